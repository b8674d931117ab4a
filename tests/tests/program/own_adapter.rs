//! Adapters whose client is a small shell script.

use std::path::{Path, PathBuf};

/// Writes an adapter whose `send` is `script`, and gives its path. The script may name places such as
/// `{host}`.
pub(crate) fn script(folder: &Path, name: &str, script: &str) -> PathBuf {
    assert!(!script.contains("'''"), "the script stands between them");
    let text = format!(
        "name = \"{name}\"\ntitle = \"A script\"\nrole = \"client\"\nprogram = \"sh\"\n\
         install = \"apt install dash\"\ntimeout = \"500ms\"\n\
         [settings.security]\nimplicit = []\n\
         [settings.trust]\nca = []\n\
         [settings.auth]\npassword = []\n\
         [job.send]\nrun = [\"sh\", \"-c\", '''{script}''']\n\
         [exit]\nsuccess = [0]\nfailed = [1]\n"
    );
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, text).expect("a temporary folder");
    path
}

/// A case that such an adapter can be asked for.
pub(crate) const CASE: &str = "cert/trust/self-signed#smtp-implicit";
