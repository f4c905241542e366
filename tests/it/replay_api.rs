//! A replay through the API: part by part, each where the one before ended.

use fuwu::growth::counter::Metric;

use crate::harness::World;
use crate::replay::text;

#[actix_web::test]
async fn the_server_takes_lines_only_where_the_file_was_left() {
    let world = World::start().await;
    let name = format!("0-{}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let post = async |query: &str, body: Vec<u8>| {
        let request = world.http.post(world.url(&format!("/api/v1/replay?{query}"))).body(body);
        let answer = request.bearer_auth(crate::harness::API_TOKEN).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
    };
    let line = text("oLin", 1, 0).into_bytes();
    let to = line.len();
    let place = |from: usize, to: usize| format!("file={name}&from={from}&to={to}&before=x");
    let (status, answer) = post(&place(0, to), line.clone()).await;
    assert_eq!((status, answer["tallies"]["applied"].as_u64()), (200, Some(1)));
    let (status, answer) = post(&place(0, to), line.clone()).await;
    assert_eq!(status, 409, "a part is applied once: {answer}");
    assert_eq!(post(&place(to, to + 1), line.clone()).await.0, 400, "the lines are longer than their place");
    assert_eq!(post(&format!("file=x&from={to}&to=999&before=x"), line.clone()).await.0, 400);
    assert_eq!(post(&place(to, 99 << 20), vec![b'x'; 17 << 20]).await.0, 413);
    let without = world.http.post(world.url(&format!("/api/v1/replay?{}", place(to, 999)))).send().await.unwrap();
    assert_eq!(without.status(), 401);
    assert_eq!(world.count(Metric::Messages).await, 1);
}
