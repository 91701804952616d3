//! Where passwords and client secrets come from: never from the file itself, which people keep in a
//! repository, but from the environment or from a file beside it.

use std::path::Path;

use super::model::Secret;

/// What stands outside of the file.
pub struct Outside<'a> {
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The folder of the file: other files are named from there.
    pub folder: &'a Path,
}

impl Outside<'_> {
    /// The value of an environment variable.
    ///
    /// # Errors
    /// A sentence. What is no name is not repeated: it may be the secret itself.
    pub fn variable(&self, name: &str) -> Result<Secret, String> {
        if !is_name(name) {
            return Err(
                "Write the name of an environment variable (letters, digits and _), \
                        not the secret itself."
                    .to_owned(),
            );
        }
        (self.env)(name)
            .filter(|value| !value.is_empty())
            .map(Secret)
            .ok_or_else(|| {
                format!("The environment variable {name} is not set. Set it, then apply the file again.")
            })
    }

    /// What a file holds, without the end of its last line.
    ///
    /// # Errors
    /// A sentence.
    pub fn file(&self, name: &str) -> Result<Secret, String> {
        let path = self.folder.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{} can’t be read: {error}.", path.display()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(format!("{} is empty.", path.display()));
        }
        Ok(Secret(secret.to_owned()))
    }
}

fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(letter) && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "from a file\r\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let outside = Outside {
            env: &|name| (name == "SECRET").then(|| "from the environment".to_owned()),
            folder: folder.path(),
        };
        assert_eq!(outside.variable("SECRET").unwrap().0, "from the environment");
        assert_eq!(outside.file("secret").unwrap().0, "from a file");
        assert!(
            outside
                .variable("OTHER")
                .unwrap_err()
                .contains("OTHER is not set")
        );
        assert!(outside.file("empty").unwrap_err().ends_with("empty is empty."));
        assert!(
            outside
                .file("absent")
                .unwrap_err()
                .contains("absent can’t be read")
        );
    }

    #[test]
    fn a_secret_in_the_place_of_a_name_is_not_repeated() {
        let outside = Outside {
            env: &|_| None,
            folder: Path::new("."),
        };
        let told = outside.variable("correct horse").unwrap_err();
        assert!(!told.contains("horse"), "{told}");
    }
}
