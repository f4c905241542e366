//! What is worth keeping of an error message. The rest changes from year to year and is compared with nothing
//! (platform.md 4.0, 9.10); nor is it kept, for it might repeat what was sent.

/// Request ids are at most so long.
const MAX_CHARS: usize = 64;
/// The longest key of a template is `character_string` with a number.
const MAX_FIELD_CHARS: usize = 24;

/// The request id, in any of its three forms: `rid: 1-2-3`, `hint: [1]`, `hints: [ req_id: 1 ]`.
pub(super) fn rid(message: &str) -> Option<String> {
    ["rid:", "req_id:", "hint:"].iter().find_map(|mark| {
        let (_, after) = message.rsplit_once(mark)?;
        let after = after.trim_start().trim_start_matches('[').trim_start();
        let rid: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        (!rid.is_empty() && rid.len() <= MAX_CHARS).then_some(rid)
    })
}

/// What a refusal is about where the message names it: our own address (40164), the field of a template (47003).
pub(super) fn about(code: i64, message: &str) -> Option<String> {
    match code {
        40164 => {
            let (_, after) = message.split_once("invalid ip ")?;
            let address = after.split_whitespace().next()?.trim_end_matches(',');
            address.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
        }
        47003 => {
            let (_, after) = message.split_once("data.")?;
            let is_of_a_name = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_';
            let field: String = after.chars().take_while(is_of_a_name).collect();
            (1..=MAX_FIELD_CHARS).contains(&field.len()).then_some(field)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_id_is_found_in_all_three_forms_wherever_it_stands() {
        for (message, expected) in [
            (
                "invalid credential, more at https://mmbizurl.cn/x rid: 65a1b2c3-0d1e2f30-4a5b6c7d",
                "65a1b2c3-0d1e2f30-4a5b6c7d",
            ),
            ("invalid credential hint: [abc123]", "abc123"),
            ("invalid credential, hints: [ req_id: 8K4Qia01-x ]", "8K4Qia01-x"),
            ("system error rid:1-2-3", "1-2-3"),
        ] {
            assert_eq!(rid(message).as_deref(), Some(expected), "{message}");
        }
        assert_eq!([rid("ok"), rid("rid: "), rid(&format!("rid: {}", "a".repeat(65)))], [None, None, None]);
    }

    #[test]
    fn what_it_is_about_is_an_address_or_a_field_and_nothing_else() {
        let ip = "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist";
        assert_eq!(about(40164, ip).as_deref(), Some("1.2.3.4"));
        assert_eq!(about(40164, "invalid ip s3cret"), None);
        assert_eq!(about(47003, "argument invalid! data.thing1.value invalid").as_deref(), Some("thing1"));
        assert_eq!(about(47003, "argument invalid!"), None);
        assert_eq!(about(40001, ip), None);
    }
}
