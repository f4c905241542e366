//! "Did you mean": the known name nearest to one that is not known.

/// Nobody slips in a longer name; comparing takes the product of both lengths.
const MAX_CHARS: usize = 64;

/// The nearest of `known`, if it is near enough to have been meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        .filter(|candidate| length <= MAX_CHARS && candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The mend for a name that is not known.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("是不是想写 {meant}？"),
        None if known.is_empty() => "请删掉".into(),
        None if known.len() <= 12 => format!("可以写：{}", known.join("、")),
        None => format!("共有 {} 个可用的名称，没有相近的，请检查拼写", known.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["text", "timeout_ms", "查话费"];
        assert_eq!(nearest("txet", known), Some("text"));
        assert_eq!(nearest("timout_m", known), Some("timeout_ms"));
        assert_eq!(nearest("查花费", known), Some("查话费"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(suggestion("colour", known), "可以写：text、timeout_ms、查话费");
    }

    #[test]
    fn a_name_as_long_as_a_file_is_like_no_other() {
        let (long, longer) = ("a".repeat(500_000), "a".repeat(500_001));
        assert_eq!(nearest(&long, [longer.as_str(), "a"]), None);
        assert_eq!(nearest("text", [long.as_str(), "txet"]), Some("txet"));
    }
}
