//! Long numbers in free words: phone numbers, identity numbers, cards. What is kept of words that nobody asked for is kept
//! without them.

/// So many digits in a row may be a number of a person; fewer are an amount, a year, a code of a product.
const MANY: usize = 7;
/// So many blanks and marks may stand between two of them.
const BETWEEN: usize = 3;

/// The words with every run of seven or more digits starred. A few blanks and marks between the digits, as people write
/// phone numbers, do not hide one; digits of any width count.
pub fn masked(words: &str) -> String {
    let chars: Vec<char> = words.chars().collect();
    let mut kept = String::with_capacity(words.len());
    let mut at = 0;
    while let Some(char) = chars.get(at) {
        if !is_digit(*char) {
            kept.push(*char);
            at += 1;
            continue;
        }
        let end = run_end(&chars, at);
        let run = chars.get(at..end).unwrap_or_default();
        let is_long = run.iter().filter(|char| is_digit(**char)).count() >= MANY;
        kept.extend(run.iter().map(|char| if is_long && is_digit(*char) { '*' } else { *char }));
        at = end;
    }
    kept
}

/// Where the run of digits that begins here ends.
fn run_end(chars: &[char], start: usize) -> usize {
    let mut end = start;
    let mut at = start;
    while let Some(char) = chars.get(at) {
        if is_digit(*char) {
            end = at + 1;
        } else if !is_between(*char) || at >= end + BETWEEN {
            break;
        }
        at += 1;
    }
    end
}

/// A digit of any script that writes numbers with ten of them, or of those that Chinese writes them with.
fn is_digit(char: char) -> bool {
    char.is_numeric()
        || matches!(char, '零' | '〇' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '幺')
}

fn is_between(char: char) -> bool {
    char.is_whitespace()
        || matches!(char, '-' | '–' | '—' | '－' | '.' | '·' | '_' | '(' | ')' | '（' | '）' | ',' | '，')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_a_person_is_starred_however_it_is_written() {
        for (words, expected) in [
            ("我的号码是13800138000谢谢", "我的号码是***********谢谢"),
            ("138 0013 8000", "*** **** ****"),
            ("138-0013-8000", "***-****-****"),
            ("１３８００１３８０００", "***********"),
            ("+86 (138) 0013 - 8000", "+** (***) **** - ****"),
            ("11010519491231002X", "*****************X"),
            ("一三八零零一三八零零零", "***********"),
            ("1234567", "*******"),
        ] {
            assert_eq!(masked(words), expected, "{words}");
        }
    }

    #[test]
    fn what_is_no_number_of_a_person_stays() {
        for words in
            ["", "充 100 元", "123456", "2026年1月31日", "一二三", "10086 人工", "5G 套餐 1 2 3", "3 个，100 元，2 次"]
        {
            assert_eq!(masked(words), words, "{words}");
        }
    }
}
