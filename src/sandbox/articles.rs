//! Articles of the demo account: a readable page and a picture for each.

use actix_web::{HttpResponse, web};
use maud::{DOCTYPE, Markup, html};

use super::phone::asset;

macro_rules! articles {
    ($($slug:literal),* $(,)?) => {
        [$(($slug, include_str!(concat!("../../fixtures/articles/", $slug, ".md")))),*]
    };
}

/// `(slug, text)`: the first line is the title, then paragraphs, `## ` headings and `- ` lists
/// (`fixtures/articles/README.md`).
const ARTICLES: &[(&str, &str)] =
    &articles!["family-share", "five-g", "going-abroad", "hd-calls", "month-pack", "read-your-bill", "save-data",];

/// Routes below `/sandbox/articles`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.route("/{slug}.svg", web::get().to(picture)).route("/{slug}", web::get().to(page));
}

fn find(slug: &str) -> Option<&'static str> {
    ARTICLES.iter().find(|(name, _)| *name == slug).map(|(_, text)| *text)
}

async fn page(slug: web::Path<String>) -> HttpResponse {
    match find(&slug) {
        Some(text) => asset("text/html", render(text, &slug).into_string()),
        None => HttpResponse::NotFound().content_type("text/html; charset=utf-8").body("<h1>没有这篇文章</h1>"),
    }
}

async fn picture(slug: web::Path<String>) -> HttpResponse {
    match find(&slug) {
        Some(text) => asset("image/svg+xml", draw(title(text)).into_string()),
        None => HttpResponse::NotFound().finish(),
    }
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

fn render(text: &str, slug: &str) -> Markup {
    let blocks = text.split("\n\n").skip(1).map(str::trim).filter(|block| !block.is_empty());
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title(text)) }
                link rel="stylesheet" href="/sandbox/page.css";
            }
            body class="article" {
                article {
                    h1 { (title(text)) }
                    p class="byline" { "演示文章" }
                    img src={ "/sandbox/articles/" (slug) ".svg" } alt="";
                    @for block in blocks { (paragraph(block)) }
                }
            }
        }
    }
}

fn paragraph(block: &str) -> Markup {
    if let Some(heading) = block.strip_prefix("## ") {
        return html! { h2 { (heading) } };
    }
    if block.starts_with("- ") {
        let items = block.lines().map(|line| line.trim_start_matches("- "));
        return html! { ul { @for item in items { li { (item) } } } };
    }
    html! { p { (block) } }
}

/// A picture of 900 by 500, its colours chosen by the title. The words stand beside it, so there are none in it.
fn draw(title: &str) -> Markup {
    let sum = title.bytes().fold(17_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    // From green over blue to violet, where white words stay readable.
    let hue = 150 + sum % 130;
    let colour = |shift: u32, light: u32| format!("hsl({} 48% {light}%)", hue + shift);
    let (x, y) = (610 + sum / 7 % 160, 120 + sum / 13 % 90);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width="900" height="500" viewBox="0 0 900 500"
            preserveAspectRatio="xMidYMid slice" role="img" aria-label=(title) {
            rect width="900" height="500" fill=(colour(0, 58)) {}
            @for (radius, light) in [(260, 62), (180, 67), (104, 74), (40, 90)] {
                circle cx=(x) cy=(y) r=(radius) fill=(colour(10, light)) {}
            }
            path d="M0 340C150 260 270 300 400 340S720 420 900 300V500H0z" fill=(colour(18, 48)) {}
            path d="M0 420C170 350 330 440 500 420S780 350 900 410V500H0z" fill=(colour(30, 38)) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_article_of_the_fixtures_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/articles");
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let slug = name.trim_end_matches(".md");
            assert!(slug == "README" || find(slug).is_some(), "{slug} is not listed");
        }
        assert!(ARTICLES.iter().all(|(_, text)| text.starts_with("# ")));
    }

    #[test]
    fn an_article_is_a_page_and_a_picture() {
        let text = "# 流量怎么省\n\n第一段 <b>。\n\n## 小窍门\n\n- 关后台\n- 用 Wi-Fi";
        let page = render(text, "save-data").into_string();
        assert!(page.contains("<h1>流量怎么省</h1>") && page.contains("<li>用 Wi-Fi</li>"), "{page}");
        assert!(page.contains("第一段 &lt;b&gt;。"));
        assert!(draw(title(text)).into_string().contains("流量怎么省"));
    }
}
