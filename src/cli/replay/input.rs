//! The log as a stream of lines: a file or standard input, plain or gzip, of any size.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};

use super::{error::ReplayError, log::BadLine};

/// The name of standard input on the command line.
pub const STDIN: &str = "-";
/// Longest line that is kept; of a longer one nothing is, so memory stays bounded.
const LINE_MAX: usize = 64 * 1024;
const BUFFER: usize = 256 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// One line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// Its bytes without the line feed.
    pub text: Result<&'a [u8], BadLine>,
}

/// Lines, one at a time, in one buffer.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens `file`, or standard input for [`STDIN`], and shows on `progress` how far it is read.
    ///
    /// # Errors
    /// When the file cannot be opened or its first bytes not be read.
    pub fn open(file: &Path, progress: &ProgressBar) -> Result<Self, ReplayError> {
        let failed = |source| ReplayError::Open { file: file.to_owned(), source };
        if file.as_os_str() == STDIN {
            return Self::new(progress.wrap_read(io::stdin())).map_err(failed);
        }
        let opened = File::open(file).map_err(failed)?;
        progress.set_length(opened.metadata().map_err(failed)?.len());
        Self::new(progress.wrap_read(opened)).map_err(failed)
    }

    /// Lines of what `source` holds, unpacked where it begins as gzip does, whatever its name.
    fn new(source: impl Read + Send + 'static) -> io::Result<Self> {
        let mut source = BufReader::with_capacity(BUFFER, source);
        let mut head = Vec::new();
        // A pipe may deliver its first bytes one by one.
        source.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
        let packed = head == GZIP_MAGIC;
        let whole = Cursor::new(head).chain(source);
        let reader: Box<dyn BufRead + Send> = if packed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { reader, line: Vec::new(), number: 0 })
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// When the source fails, or is gzip that is damaged or cut off.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut begun, mut too_long) = (false, false);
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            begun = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let text = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            too_long |= self.line.len() + text.len() > LINE_MAX;
            if !too_long {
                self.line.extend_from_slice(text);
            }
            let taken = text.len() + usize::from(end.is_some());
            self.reader.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if !begun {
            return Ok(None);
        }
        self.number += 1;
        let text = if too_long { Err(BadLine::TooLong) } else { Ok(&*self.line) };
        Ok(Some(Line { number: self.number, text }))
    }

    /// How many lines have been read.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.number
    }
}

/// A bar on standard error, which draws nothing where that is no terminal.
#[must_use]
pub fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn read_all(bytes: Vec<u8>) -> io::Result<Vec<Result<Vec<u8>, BadLine>>> {
        let mut lines = Lines::new(Cursor::new(bytes))?;
        let mut all = Vec::new();
        while let Some(line) = lines.next_line()? {
            all.push(line.text.map(<[u8]>::to_vec));
            assert_eq!(line.number, all.len() as u64);
        }
        Ok(all)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_come_whole_with_or_without_a_last_line_feed() {
        for (bytes, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n", vec!["a"]),
            ("a\n\nb", vec!["a", "", "b"]),
            ("\n", vec![""]),
        ] {
            let lines = read_all(bytes.into()).unwrap();
            let expected: Vec<_> = expected.into_iter().map(|line| Ok(line.into())).collect();
            assert_eq!(lines, expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_over_the_bound_is_bad_and_the_next_is_not() {
        for (length, bad) in [(LINE_MAX, false), (LINE_MAX + 1, true), (3 * BUFFER, true)] {
            let mut bytes = vec![b'x'; length];
            bytes.extend(b"\nnext\n");
            let lines = read_all(bytes).unwrap();
            assert_eq!(lines[0] == Err(BadLine::TooLong), bad, "{length}");
            assert_eq!(lines[1..], [Ok(b"next".to_vec())]);
        }
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes_and_may_have_many_members() {
        let packed = [gzip(b"a\nb"), gzip(b"c\n")].concat();
        assert_eq!(read_all(packed).unwrap(), [Ok(b"a".to_vec()), Ok(b"bc".to_vec())]);
    }

    #[test]
    fn gzip_that_is_cut_off_is_an_error() {
        let packed = gzip(b"a\nb\n");
        assert!(read_all(packed[..packed.len() - 4].to_vec()).is_err());
    }
}
