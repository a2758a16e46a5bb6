//! Cuts a file into its YAML documents before any of them is parsed, so that a fault in one loses no other.
//! Works on bytes: whether they are text is found out for each document by itself.

/// One YAML document of a file, with the line numbers that lead back into it.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    pub bytes: &'a [u8],
    /// The file's line, from 1, on which `bytes` starts.
    pub first_line: usize,
    /// The first line with content; that of the `---` where there is none.
    pub content_line: usize,
}

/// Where the cutter stands.
enum Place {
    /// Only comments, blank lines and directives since the last document ended.
    Between,
    Inside,
}

/// Cuts at the lines that start with `---` or `...`.
///
/// Such a line ends a document wherever it stands, even within an unclosed quote or bracket
/// (<https://yaml.org/spec/1.2.2/#912-document-markers>). Block texts are no exception, as theirs are indented.
pub fn split_documents(bytes: &[u8]) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut place = Place::Between;
    let (mut start, mut first_line, mut content_line) = (0, 1, None);
    let mut offset = 0;
    let mut last_line = 0;
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        last_line = number;
        let end = offset + line.len();
        let close = |upto: usize, content: Option<usize>, first: usize| Chunk {
            bytes: &bytes[start..upto],
            first_line: first,
            content_line: content.unwrap_or(first),
        };
        if is_marker(line, b"---") {
            if let Place::Inside = place {
                chunks.push(close(offset, content_line, first_line));
                (start, first_line) = (offset, number);
            }
            place = Place::Inside;
            content_line = has_content(&line[3..]).then_some(number);
        } else if is_marker(line, b"...") {
            if let Place::Inside = place {
                chunks.push(close(end, content_line, first_line));
            }
            place = Place::Between;
            (start, first_line, content_line) = (end, number + 1, None);
        } else if has_content(line) && !(matches!(place, Place::Between) && line[0] == b'%') {
            place = Place::Inside;
            content_line = content_line.or(Some(number));
        }
        offset = end;
    }
    if let Place::Inside = place {
        let content_line = content_line.unwrap_or(first_line.min(last_line));
        chunks.push(Chunk { bytes: &bytes[start..], first_line, content_line });
    }
    chunks
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

fn has_content(line: &[u8]) -> bool {
    !matches!(line.trim_ascii().first(), None | Some(b'#'))
}
