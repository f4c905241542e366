//! Work that moves money.

use super::*;

#[actix_web::test]
async fn what_moves_money_is_given_up_once_and_not_asked_again() {
    let mut stand = Stand::new();
    let memo = [
        ("order", Value::from("20260101000000000000000001")),
        ("label", Value::from("5GB 流量月包")),
        ("amount", Value::Fen(2000)),
    ];
    let memo = memo.map(|(name, value)| (name.to_owned(), value)).into();
    let mut question = question("place_order", Some("K"));
    question.values = Values::from([
        ("code".into(), Value::from("M5G")),
        ("amount_fen".into(), Value::Integer(2000)),
        ("order".into(), Value::from("20260101000000000000000001")),
    ]);
    let work = ask("buy_data", question, memo);
    stand.keep("o1", open_to_messages(), vec![work.clone()]).await;
    stand.clock.set(work.expires);
    // Time went by while nobody was there to try: it is tried before it is given up.
    assert_eq!(send(&stand, work.clone()).await, Tried::Again);
    assert_eq!(stand.happened(), ["asked"]);
    for _ in 0..2 {
        let claimed = Claimed { of: of("o1"), work: work.clone(), attempt: 5, lease_ends: NOON.plus_secs(60) };
        assert_eq!(stand.app.perform(&stand.account(), &claimed).await.unwrap(), Tried::Finished);
    }
    assert_eq!(stand.happened(), Vec::<String>::new());
    let left = stand.left().await;
    let said: Vec<&Reply> = left.iter().filter_map(|work| work.task.reply()).collect();
    let [Reply::Text(words)] = said.as_slice() else { panic!("{left:?}") };
    assert!(words.contains("20260101000000000000000001"), "{words}");
}

#[actix_web::test]
async fn what_is_no_order_is_not_put_when_its_time_is_over() {
    let mut stand = Stand::new();
    let work = ask("bind_number", question("send_code", Some("K")), Values::new());
    stand.keep("o1", open_to_messages(), vec![work.clone()]).await;
    stand.clock.set(work.expires);
    assert_eq!(send(&stand, work).await, Tried::Finished);
    assert_eq!(stand.happened(), Vec::<String>::new(), "a code hours later");
}

#[actix_web::test]
async fn an_order_that_has_gone_another_way_is_not_put_to_the_business_system() {
    let mut stand = Stand::new();
    let order =
        wechat_order("20260101000000000000000001", &[Happening::Agreed, payable(), paid(2_000), money_back(2_000)]);
    let memo = [("order", Value::from(order.number.as_str())), ("step", Value::from("fulfil"))];
    let memo: Values = memo.map(|(name, value)| (name.to_owned(), value)).into();
    let id = format!("order/{}/fulfil", order.number).as_str().into();
    let work = Work { id, ..ask("buy_data", question("place_order", Some("K")), memo) };
    let mut customer = open_to_messages();
    customer.orders.put(order);
    stand.keep("o1", customer, vec![work.clone()]).await;
    assert_eq!(send(&stand, work).await, Tried::Finished);
    assert_eq!((stand.happened(), stand.left().await), (Vec::<String>::new(), vec![]));
}
