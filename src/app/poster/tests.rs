use super::*;

#[test]
fn what_passes_is_tried_again_and_what_stays_is_said_in_words() {
    let at = UnixSecs(5);
    let refused = |code| ApiError::Refused { code, rid: None };
    for (error, made) in [
        (ApiError::NotBefore { code: 45009, at, rid: None }, Made::Later(Some(at))),
        (ApiError::NotBefore { code: 45011, at, rid: None }, Made::Later(Some(at))),
        (ApiError::Busy, Made::Later(None)),
        (ApiError::Unreached, Made::Later(None)),
        (refused(40001), Made::Later(None)),
        (refused(40164), Made::Later(None)),
        (refused(50007), Made::Later(None)),
        (refused(48001), Made::NoCode),
        (refused(48004), Made::NoCode),
        (refused(61007), Made::NoCode),
        (refused(45029), Made::NoCode),
        (refused(40009), Made::NoCode),
        (refused(99_999), Made::NoCode),
        (ApiError::Unsendable, Made::NoCode),
    ] {
        assert_eq!(not_made(&"demo".into(), &error), made, "{error}");
    }
}

#[test]
fn no_two_campaigns_or_scenes_share_a_record() {
    let names = [["a", "bc"], ["ab", "c"], ["", "abc"], ["2:a", "bc"]].map(|parts| hash(&parts));
    let mut apart = names.to_vec();
    apart.sort();
    apart.dedup();
    assert_eq!((apart.len(), names[0].len()), (4, 32));
    assert_eq!(hash(&["a", "bc"]), names[0]);
}
