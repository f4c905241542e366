//! The `[poster]` of a file, and the picture it names.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::finding::{Code, Finding};
use super::shape;
use super::site::Site;
use super::source::{Role, Source, Sources};
use crate::config::nearest::nearest;
use crate::domain::actions::Fault;
use crate::domain::poster::{Poster, PosterSettings};

/// The pictures of a playbook, by their path within it.
#[derive(Debug, Default)]
pub struct Pictures(BTreeMap<String, Picture>);

#[derive(Debug)]
struct Picture {
    /// Its path, as the settings name its folder.
    file: String,
    /// What is in it, or why it could not be read.
    bytes: Result<Vec<u8>, String>,
}

const SAVE_AS: &str = "换成普通的 png 或 jpeg 文件，不超过 2 MB";

impl Pictures {
    /// Those among these files.
    pub fn of(sources: &Sources) -> Self {
        let pictures = sources.files.iter().filter(|((role, _), _)| *role == Role::Picture);
        let read = |bytes: &io::Result<Vec<u8>>| match bytes {
            Ok(bytes) => Ok(bytes.clone()),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err("文件超过 2 MB".to_owned()),
            Err(error) => Err(format!("读不了文件：{error}")),
        };
        let read = |source: &Source| Picture { file: source.shown.clone(), bytes: read(&source.bytes) };
        Self(pictures.map(|((_, name), source)| (name.clone(), read(source))).collect())
    }

    /// Pictures that cannot be read, whether or not a poster names them.
    pub fn unreadable(&self) -> impl Iterator<Item = Finding> {
        self.0.values().filter_map(|Picture { file, bytes }| {
            let cause = bytes.as_ref().err()?.clone();
            Some(Finding::of_file(Code::Unreadable, file, (cause, SAVE_AS)).as_warning())
        })
    }

    /// Pictures that none of these posters names, one that was put there and forgotten in the file among them.
    pub fn unused<'a>(&self, posters: impl IntoIterator<Item = &'a Poster>) -> Vec<Finding> {
        let named: BTreeSet<&str> = posters.into_iter().map(|poster| poster.settings().picture.as_str()).collect();
        let unused = self.0.iter().filter(|(name, _)| !named.contains(name.as_str()));
        let told = |name: &str| (format!("没有海报用到这张图片（{name}）"), "要用它就把 picture 改成它，不用就移走");
        unused.map(|(name, it)| Finding::of_file(Code::UnknownFile, &it.file, told(name)).as_warning()).collect()
    }

    fn find(&self, name: &str) -> Result<&[u8], Fault> {
        let told = |cause: String, mend: String| Fault { field: "picture".into(), cause, mend };
        match self.0.get(name) {
            Some(Picture { bytes: Ok(bytes), .. }) => Ok(bytes),
            Some(Picture { bytes: Err(cause), .. }) => Err(told(cause.clone(), SAVE_AS.to_owned())),
            None => {
                let mend = match nearest(name, self.0.keys().map(String::as_str)) {
                    Some(meant) => format!("是不是 {meant}？"),
                    None => "图片放进方案文件夹的 posters/，写成 picture = \"posters/….png\"".to_owned(),
                };
                Err(told(format!("找不到底图 {name}"), mend))
            }
        }
    }
}

/// Reads the table of a poster (its `site`), finds its picture and checks both. `None` when something is wrong, which is then
/// among the findings at the place where it is written.
pub fn read_poster(site: &Site, pictures: &Pictures, findings: &mut Vec<Finding>) -> Option<Poster> {
    let settings: PosterSettings = shape::read(site, findings)?;
    let place =
        |fault: &Fault| if site.key(&fault.field).value().is_null() { site.name() } else { site.key(&fault.field) };
    let made =
        pictures.find(&settings.picture).map_err(|fault| vec![fault]).and_then(|bytes| Poster::new(settings, bytes));
    match made {
        Ok(poster) => {
            let doubts = poster.doubts();
            findings.extend(doubts.iter().map(|it| place(it).warning(Code::PosterRule, &it.cause, &it.mend)));
            Some(poster)
        }
        Err(faults) => {
            findings.extend(faults.iter().map(|it| place(it).error(Code::PosterRule, &it.cause, &it.mend)));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config::playbook::source::Dirs;
    use crate::config::playbook::toml;
    use crate::domain::poster::tests::small_png;

    fn sources(dir: &Path) -> Sources {
        Sources::read(&Dirs { playbook: dir.join("playbook"), menus: dir.join("menus") })
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["playbook/posters", "playbook/campaigns", "menus"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("playbook/posters/spring.png"), small_png()).unwrap();
        dir
    }

    fn read(dir: &Path, table: &str) -> (Option<Poster>, Vec<String>) {
        let pictures = Pictures::of(&sources(dir));
        let document = toml::parse("spring.toml".into(), format!("[poster]\n{table}")).unwrap();
        let mut findings = Vec::new();
        let poster = read_poster(&Site::root(document.into()).key("poster"), &pictures, &mut findings);
        let told =
            findings.iter().map(|it| format!("{}:{} {} {} / {}", it.line, it.column, it.code, it.message, it.mend));
        (poster, told.collect())
    }

    #[test]
    fn a_poster_is_read_with_the_picture_beside_it() {
        let dir = folder();
        fs::write(dir.path().join("playbook/here.jpeg"), small_png()).unwrap();
        fs::write(dir.path().join("playbook/campaigns/there.jpg"), small_png()).unwrap();
        for name in ["posters/spring.png", "here.jpeg", "campaigns/there.jpg"] {
            let (poster, told) = read(dir.path(), &format!("picture = \"{name}\"\nleft = 40\ntop = 100\nside = 160"));
            assert_eq!((poster.unwrap().width(), told), (240, vec![]), "{name}: by what it is, not by its ending");
        }
        assert!(sources(dir.path()).findings.iter().all(|it| !it.file.contains("posters")), "nobody calls it unread");
    }

    #[test]
    fn what_is_wrong_is_told_where_it_is_written() {
        let dir = folder();
        fs::write(dir.path().join("playbook/posters/words.png"), "no picture").unwrap();
        fs::write(dir.path().join("playbook/posters/heavy.png"), vec![0; 2 * 1024 * 1024 + 1]).unwrap();
        let told = |table: &str| read(dir.path(), table).1.join("\n");
        let at = "\nleft = 0\ntop = 0\nside = 160";
        assert_eq!(
            told("picture = \"posters/spring.png\"\nleft = 100\ntop = 0\nside = 160"),
            "3:8 poster-rule 二维码超出底图的右边：100 + 160 = 260，底图只有 240 像素 / 把 left 改到 80 以内，或把 side 改小"
        );
        assert_eq!(
            told(&format!("picture = \"poster/spring.png\"{at}")),
            "2:11 poster-rule 找不到底图 poster/spring.png / 是不是 posters/spring.png？"
        );
        assert!(told(&format!("picture = \"../secret.png\"{at}")).contains("找不到底图"));
        assert!(told(&format!("picture = \"posters/words.png\"{at}")).contains("不是 png 或 jpeg"));
        assert!(told(&format!("picture = \"posters/heavy.png\"{at}")).contains("文件超过 2 MB"));
        let unreadable: Vec<Finding> = Pictures::of(&sources(dir.path())).unreadable().collect();
        assert!(matches!(&unreadable[..], [heavy] if heavy.file.ends_with("heavy.png") && !heavy.is_error()));
        assert!(told("picture = \"posters/spring.png\"\nleft = -1\ntop = 0\nside = 160").contains("wrong-value"));
        assert!(told("picture = \"posters/spring.png\"\nleft = 0\ntop = 0").contains("missing-key"));
        assert!(told(&format!("picture = \"posters/spring.png\"{at}\nright = 3")).contains("unknown-key"));
    }

    #[test]
    fn a_picture_that_was_put_there_and_is_named_by_none_is_told() {
        let dir = folder();
        fs::write(dir.path().join("playbook/posters/summer.png"), small_png()).unwrap();
        let (poster, _) = read(dir.path(), "picture = \"posters/spring.png\"\nleft = 0\ntop = 0\nside = 160");
        let unused = |posters: &[Poster]| Pictures::of(&sources(dir.path())).unused(posters);
        let told = unused(&[poster.unwrap()]);
        assert!(matches!(&told[..], [one] if one.message.contains("posters/summer.png") && !one.is_error()));
        assert_eq!(unused(&[]).len(), 2);
    }

    #[test]
    fn an_edited_picture_is_another_playbook() {
        let dir = folder();
        let before = sources(dir.path()).version();
        let mut bytes = small_png();
        bytes.push(0);
        fs::write(dir.path().join("playbook/posters/spring.png"), bytes).unwrap();
        assert_ne!(sources(dir.path()).version(), before);
    }
}
