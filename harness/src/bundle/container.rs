//! The container: a tar file that is written in one way only, and read with bounds.
//!
//! Must not know what the files mean.

use std::io::{self, Write};

use super::Damage;

/// The largest container that is read.
pub const LARGEST: u64 = 512 << 20;

/// The most files in one.
const MOST: usize = 50_000;

/// Writes files in the order in which they come: plain files of nobody, from 1970.
///
/// # Errors
/// What `to` says.
pub(super) fn write<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    to: impl Write,
) -> io::Result<()> {
    let mut builder = tar::Builder::new(to);
    for (name, octets) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(octets.len() as u64);
        builder.append_data(&mut header, name, octets)?;
    }
    builder.into_inner()?.flush()
}

/// The files of a container, by name, in their order.
///
/// # Errors
/// [`Damage`] where it is none, or holds anything but plain files.
pub(super) fn read(octets: &[u8]) -> Result<Vec<(String, &[u8])>, Damage> {
    let not_one = |error: io::Error| Damage::Container(error.to_string());
    let mut archive = tar::Archive::new(octets);
    let mut files = Vec::new();
    for entry in archive.entries().map_err(not_one)? {
        let entry = entry.map_err(not_one)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(Damage::NoPlainFile { name });
        }
        if files.len() == MOST {
            return Err(Damage::TooMany { most: MOST });
        }
        let content = usize::try_from(entry.raw_file_position())
            .ok()
            .zip(usize::try_from(entry.size()).ok())
            .and_then(|(at, size)| octets.get(at..at.checked_add(size)?));
        let content = content.ok_or_else(|| Damage::Cut { name: name.clone() })?;
        files.push((name, content));
    }
    Ok(files)
}

/// Whether these files are written as these octets and no others.
///
/// # Errors
/// [`Damage`] with the place of the first octet that is another one.
pub(super) fn check<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    octets: &[u8],
) -> Result<(), Damage> {
    let mut compare = Compare { octets, at: 0 };
    let written = write(files, &mut compare);
    if written.is_err() || compare.at != octets.len() {
        return Err(Damage::BetweenFiles { at: compare.at });
    }
    Ok(())
}

/// Takes what is equal to `octets`.
struct Compare<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Write for Compare<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let expected = self.octets.get(self.at..).unwrap_or_default();
        let equal = written
            .iter()
            .zip(expected)
            .take_while(|(a, b)| a == b)
            .count();
        self.at += equal;
        if equal < written.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(equal)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut octets = Vec::new();
        write(files.iter().copied(), &mut octets).unwrap();
        octets
    }

    #[test]
    fn reads_back_with_long_names_too() {
        let long = format!("transcripts/{}.txt", "x".repeat(210));
        let files: [(&str, &[u8]); 3] = [("a", b"1"), (&long, b""), ("c/d", &[7; 513])];
        let octets = written(&files);
        let read = read(&octets).unwrap();
        let read: Vec<(&str, &[u8])> = read.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        assert_eq!(read, files);
        check(read, &octets).unwrap();
    }

    #[test]
    fn what_stands_behind_the_end_is_seen() {
        let files: [(&str, &[u8]); 1] = [("a", b"1")];
        let octets = written(&files);
        let longer = [octets.as_slice(), &[0; 512]].concat();
        assert_eq!(read(&longer).unwrap().len(), 1);
        let damage = check(files, &longer).unwrap_err();
        assert!(
            matches!(damage, Damage::BetweenFiles { at } if at == octets.len()),
            "{damage}"
        );
    }

    #[test]
    fn links_and_cut_files_are_none() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, "manifest.json", "/etc/passwd")
            .unwrap();
        let octets = builder.into_inner().unwrap();
        assert!(matches!(read(&octets), Err(Damage::NoPlainFile { .. })));
        let octets = written(&[("a", &[1; 2000])]);
        assert!(read(&octets[..1000]).is_err());
    }

    #[test]
    fn a_file_that_claims_to_be_huge_takes_no_memory() {
        let mut header = tar::Header::new_gnu();
        header.set_path("manifest.json").unwrap();
        header.set_size(1 << 60);
        header.set_cksum();
        let octets = [header.as_bytes().as_slice(), &[0; 1024]].concat();
        assert!(matches!(read(&octets), Err(Damage::Cut { .. })));
    }
}
