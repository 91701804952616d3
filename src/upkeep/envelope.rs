//! The envelope of a back-up: encrypted and authenticated piece by piece (AES-256-GCM), so that a file of any size is
//! written and read in little memory, and one that was cut, joined or changed is refused.
//!
//! A line of text says how the key is made, and is authenticated with every piece. Each piece has its number and
//! whether it is the last in its nonce. The key is new for each file, because its salt is.

use std::io::{self, BufRead, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::id::random_bytes;

/// How much is encrypted at once.
const PIECE: usize = 64 * 1024;
/// What the tag adds to a piece.
const TAG: usize = 16;
/// How a file begins.
const MAGIC: &str = "vestibule-backup 1";
/// Argon2id: 64 MiB, 3 passes. It is asked once for each file.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// What opens a back-up.
#[derive(Clone)]
pub enum Secret {
    /// A sentence that somebody remembers.
    Passphrase(String),
    /// What a file holds that somebody keeps: 32 bytes or more.
    KeyFile(Vec<u8>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    fn kind(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::KeyFile(_) => "key-file",
        }
    }

    fn key(&self, salt: &[u8]) -> io::Result<LessSafeKey> {
        let mut key = [0; 32];
        match self {
            Self::Passphrase(text) => {
                let params = Params::new(MEMORY, PASSES, 1, Some(32)).map_err(other)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(text.as_bytes(), salt, &mut key)
                    .map_err(other)?;
            }
            Self::KeyFile(bytes) => {
                let tag = hmac::sign(
                    &hmac::Key::new(hmac::HMAC_SHA256, bytes),
                    &[b"back-up ", salt].concat(),
                );
                key.iter_mut()
                    .zip(tag.as_ref())
                    .for_each(|(to, from)| *to = *from);
            }
        }
        let unbound = UnboundKey::new(&AES_256_GCM, &key).map_err(other)?;
        Ok(LessSafeKey::new(unbound))
    }
}

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let tail = number.to_be_bytes().into_iter().chain([u8::from(last)]);
    bytes
        .iter_mut()
        .skip(NONCE_LEN - 9)
        .zip(tail)
        .for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(bytes)
}

/// Encrypts what is written to it. [`Sealing::finish`] must be called: without its last piece a file is refused.
pub struct Sealing<W> {
    to: W,
    key: LessSafeKey,
    header: String,
    number: u64,
    piece: Vec<u8>,
}

impl<W: Write> Sealing<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(mut to: W, secret: &Secret) -> io::Result<Self> {
        let salt = random_bytes::<16>();
        let header = format!("{MAGIC} {} {}\n", secret.kind(), URL_SAFE_NO_PAD.encode(salt));
        to.write_all(header.as_bytes())?;
        Ok(Self {
            to,
            key: secret.key(&salt)?,
            header,
            number: 0,
            piece: Vec::with_capacity(PIECE + TAG),
        })
    }

    /// Writes the last piece and answers what was written to.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(
                nonce(self.number, last),
                Aad::from(self.header.as_bytes()),
                &mut self.piece,
            )
            .map_err(other)?;
        let length = u32::try_from(self.piece.len()).map_err(other)?;
        // The highest bit says that it is the last; the nonce proves it.
        let marked = length | if last { 1 << 31 } else { 0 };
        self.to.write_all(&marked.to_be_bytes())?;
        self.to.write_all(&self.piece)?;
        self.piece.clear();
        self.number += 1;
        Ok(())
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.seal(false)?;
        }
        let room = PIECE - self.piece.len();
        let some = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(some);
        Ok(some.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Decrypts what it reads. It never answers what was not authenticated, and its end is the end that was written.
pub struct Opening<R> {
    from: R,
    key: LessSafeKey,
    header: String,
    number: u64,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: BufRead> Opening<R> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// A sentence, when it is no back-up or wants another kind of secret.
    pub fn new(mut from: R, secret: &Secret) -> io::Result<Self> {
        let mut header = String::new();
        from.by_ref()
            .take(200)
            .read_line(&mut header)
            .map_err(|_no| other("This is no back-up of Vestibule."))?;
        let mut words = header
            .strip_prefix(MAGIC)
            .ok_or_else(|| other("This is no back-up of Vestibule, or one of another format than 1."))?
            .split_whitespace();
        let (kind, salt) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if kind != secret.kind() {
            let sentence = match secret {
                Secret::Passphrase(_) => "This back-up is opened by a key file: name it by --key-file.",
                Secret::KeyFile(_) => "This back-up is opened by a passphrase: leave --key-file out.",
            };
            return Err(other(sentence));
        }
        let salt = URL_SAFE_NO_PAD
            .decode(salt)
            .map_err(|error| other(format!("The back-up’s first line is damaged: {error}.")))?;
        Ok(Self {
            from,
            key: secret.key(&salt)?,
            header,
            number: 0,
            piece: Vec::new(),
            at: 0,
            ended: false,
        })
    }

    fn next(&mut self) -> io::Result<()> {
        let mut marked = [0; 4];
        self.exactly(&mut marked)?;
        let marked = u32::from_be_bytes(marked);
        let (last, length) = (marked >> 31 == 1, marked & !(1 << 31));
        let length = usize::try_from(length).map_err(other)?;
        if !(TAG..=PIECE + TAG).contains(&length) {
            return Err(self.damaged());
        }
        let mut piece = vec![0; length];
        self.exactly(&mut piece)?;
        let opened = self
            .key
            .open_in_place(
                nonce(self.number, last),
                Aad::from(self.header.as_bytes()),
                &mut piece,
            )
            .map(|plain| plain.len());
        let Ok(length) = opened else {
            return Err(self.damaged());
        };
        piece.truncate(length);
        self.piece = piece;
        self.at = 0;
        self.number += 1;
        self.ended = last;
        Ok(())
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => other("The back-up is not whole: its end is missing."),
            _ => error,
        })
    }

    fn damaged(&self) -> io::Error {
        if self.number == 0 {
            return other("This passphrase or key does not open the back-up, or its beginning is damaged.");
        }
        other(format!(
            "The back-up is damaged: its piece {} was changed.",
            self.number + 1
        ))
    }
}

impl<R: BufRead> Read for Opening<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
        let left = self.piece.get(self.at..).unwrap_or_default();
        let some = left.len().min(bytes.len());
        bytes.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
        self.at += some;
        Ok(some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::KeyFile(vec![7; 32])
    }

    fn sealed(text: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::new(Vec::new(), &secret()).unwrap();
        sealing.write_all(text).unwrap();
        sealing.finish().unwrap()
    }

    fn opened(file: &[u8], secret: &Secret) -> Result<Vec<u8>, String> {
        let mut text = Vec::new();
        Opening::new(file, secret)
            .and_then(|mut opening| opening.read_to_end(&mut text))
            .map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn what_is_sealed_opens_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let text: Vec<u8> = (0..length)
                .map(|place| u8::try_from(place % 251).unwrap())
                .collect();
            let file = sealed(&text);
            assert!(length == 0 || !file.windows(40).any(|some| text.starts_with(some)));
            assert_eq!(opened(&file, &secret()).unwrap(), text, "{length}");
        }
    }

    /// BAK-003.
    #[test]
    fn a_file_that_was_cut_or_changed_is_refused() {
        let file = sealed(&vec![5; 2 * PIECE + 100]);
        for length in [10, 60, 70, file.len() / 2, file.len() - 1, PIECE + 16 + 4 + 44] {
            assert!(opened(&file[..length], &secret()).is_err(), "{length}");
        }
        for place in (0..file.len()).step_by(997).chain([file.len() - 1]) {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert!(opened(&changed, &secret()).is_err(), "{place}");
        }
        // A piece left out, and the first one alone with the mark of the last.
        let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let (first, rest) = file[header..].split_at(4 + PIECE + TAG);
        assert!(opened(&[&file[..header], rest].concat(), &secret()).is_err());
        let mut marked = [&file[..header], first].concat();
        marked[header] |= 0x80;
        assert!(opened(&marked, &secret()).is_err());
    }

    /// BAK-003.
    #[test]
    fn another_key_is_told_from_damage() {
        let file = sealed(b"text");
        let error = opened(&file, &Secret::KeyFile(vec![8; 32])).unwrap_err();
        assert!(error.contains("does not open"), "{error}");
        let error = opened(&file, &Secret::Passphrase("x".into())).unwrap_err();
        assert!(error.contains("--key-file"), "{error}");
        assert!(
            opened(b"PK\x03\x04", &secret())
                .unwrap_err()
                .contains("no back-up")
        );
    }
}
