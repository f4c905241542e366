//! A replay file, read in chunks of whole lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::app::replay::{Beginning, Chunk, HEAD_BYTES, Known, MAX_LINE_BYTES, hash};

/// A chunk ends with the line that makes it longer than this, so it is at most one line longer.
const CHUNK_BYTES: usize = 6 * MAX_LINE_BYTES;
/// A file is gone on with when so many bytes before that place are what they were.
const BEFORE_BYTES: u64 = 4096;

/// An open file.
pub(super) struct Recording {
    reader: BufReader<File>,
    head: Vec<u8>,
    file: Beginning,
    offset: u64,
    /// Its length when it was opened.
    pub(super) length: u64,
    chunk_lines: usize,
    /// The length of the chunk before.
    usual_bytes: usize,
}

/// Whether a whole line was read. The chunk ends with one that was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

impl Recording {
    pub(super) fn open(path: &Path, chunk_lines: usize) -> anyhow::Result<Self> {
        let told = || format!("{} cannot be read", path.display());
        let mut file = File::open(path).with_context(told)?;
        let mut head = Vec::with_capacity(HEAD_BYTES);
        (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head).with_context(told)?;
        file.seek(SeekFrom::Start(0)).with_context(told)?;
        let length = file.metadata().with_context(told)?.len();
        let file_name = Beginning::of(&head);
        let reader = BufReader::with_capacity(256 * 1024, file);
        Ok(Self { reader, head, file: file_name, offset: 0, length, chunk_lines, usual_bytes: 0 })
    }

    /// How it begins.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Goes on where it was applied up to, if it still is the file it was.
    pub(super) fn go_on(&mut self, known: &Known) -> anyhow::Result<()> {
        let offset = known.progress.offset;
        if self.length < offset {
            bail!(
                "it was applied up to byte {offset} already and has only {} now; a file may grow, but not be cut",
                self.length
            );
        }
        let mark = &known.progress.mark;
        if mark.offset > 0 && self.before(mark.offset)? != mark.before {
            bail!(
                "it begins like a file that was applied already, but is another one at byte {}; lines may be added at \
                 the end of a file, but none changed",
                mark.offset
            );
        }
        self.reader.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        self.file = known.file.clone();
        Ok(())
    }

    /// The next lines; `None` at the end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Chunk>> {
        let from = self.offset;
        let mut lines = Vec::with_capacity(self.usual_bytes);
        for _ in 0..self.chunk_lines {
            if self.line(&mut lines)? != Whole::Yes || lines.len() > CHUNK_BYTES {
                break;
            }
        }
        if self.offset == from {
            return Ok(None);
        }
        self.usual_bytes = lines.len();
        let before = self.before(self.offset)?;
        Ok(Some(Chunk { file: self.file.clone(), from, to: self.offset, before, lines }))
    }

    /// Appends a line with its end, cut when it is too long.
    fn line(&mut self, lines: &mut Vec<u8>) -> std::io::Result<Whole> {
        let most = MAX_LINE_BYTES as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', lines)?;
        self.offset += read as u64;
        if read as u64 == most && lines.last() != Some(&b'\n') {
            self.offset += self.reader.skip_until(b'\n')? as u64;
            return Ok(Whole::No);
        }
        Ok(if read > 0 { Whole::Yes } else { Whole::No })
    }

    fn before(&self, offset: u64) -> std::io::Result<String> {
        let start = offset.saturating_sub(BEFORE_BYTES);
        let mut bytes = vec![0; usize::try_from(offset - start).unwrap_or_default()];
        self.reader.get_ref().read_exact_at(&mut bytes, start)?;
        Ok(hash(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::replay::Mark;

    fn written(text: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recorded.jsonl");
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    fn chunks(recording: &mut Recording) -> Vec<(u64, u64, Vec<u8>)> {
        std::iter::from_fn(|| recording.next().unwrap()).map(|chunk| (chunk.from, chunk.to, chunk.lines)).collect()
    }

    #[test]
    fn a_file_is_read_in_whole_lines_also_the_last_one_without_an_end() {
        let (_dir, path) = written(b"a\nbb\n\nccc");
        let mut recording = Recording::open(&path, 2).unwrap();
        let expected = [(0, 5, b"a\nbb\n".to_vec()), (5, 9, b"\nccc".to_vec())];
        assert_eq!(chunks(&mut recording), expected);
        assert_eq!(recording.next().unwrap(), None);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let long = vec![b'x'; 3 * MAX_LINE_BYTES];
        let (_dir, path) = written(&[&long, b"\nb\n".as_slice()].concat());
        let end = 3 * MAX_LINE_BYTES as u64 + 1;
        let expected = [(0, end, vec![b'x'; MAX_LINE_BYTES + 1]), (end, end + 2, b"b\n".to_vec())];
        assert_eq!(chunks(&mut Recording::open(&path, 9).unwrap()), expected);
    }

    #[test]
    fn a_file_that_was_changed_before_the_place_is_not_gone_on_with() {
        let long = [b"same\n".repeat(20_000), b"then\n".to_vec()].concat();
        let (_dir, path) = written(&long);
        let mut recording = Recording::open(&path, usize::MAX).unwrap();
        let chunk = recording.next().unwrap().unwrap();
        let mut known = Known { file: chunk.file, progress: Default::default() };
        known.progress.offset = chunk.to;
        known.progress.mark = Mark { offset: chunk.to, before: chunk.before };
        for (text, complaint) in [(b"than\nmore\n".as_slice(), "another one"), (b"th", "cut")] {
            std::fs::write(&path, [&long[..long.len() - 5], text].concat()).unwrap();
            let refused = Recording::open(&path, 1).unwrap().go_on(&known).unwrap_err().to_string();
            assert!(refused.contains(complaint), "{refused}");
        }
        std::fs::write(&path, [&long, b"more\n".as_slice()].concat()).unwrap();
        let mut grown = Recording::open(&path, 1).unwrap();
        grown.go_on(&known).unwrap();
        assert_eq!(chunks(&mut grown), [(known.progress.offset, known.progress.offset + 5, b"more\n".to_vec())]);
    }
}
