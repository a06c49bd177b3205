//! The text that names a folder in a claim: `pvc://CLAIM`, `pvc://CLAIM/FOLDER`, `pvc://NAMESPACE/CLAIM/PATH`.

use std::fmt;

use url::Url;

use crate::store::AddressError;

/// The one option.
const IMAGE: &str = "image";

/// A folder in a PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimAddress {
    /// Its namespace; that of the command where it is not said.
    pub namespace: Option<String>,
    /// The claim.
    pub claim: String,
    /// The folder in it, without `/` at either end; empty for the volume itself.
    pub path: String,
    /// The image of the pod that reaches it, where said.
    pub image: Option<String>,
}

impl ClaimAddress {
    /// Reads the text behind `pvc://`. Two steps are a claim and a folder of it; more begin with the namespace.
    pub(in crate::store) fn parse(text: &str) -> Result<Self, AddressError> {
        let wrong = |why: &'static str| AddressError::Claim {
            text: text.to_owned(),
            why,
        };
        let url = Url::parse(text).map_err(|_| wrong("it is no URL"))?;
        let authority = text.split("://").nth(1).unwrap_or_default();
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains(['@', ':']) {
            return Err(AddressError::Credentials);
        }
        let mut steps = vec![authority.to_owned()];
        for step in url.path().split('/').skip(1) {
            let step = percent_encoding::percent_decode_str(step).decode_utf8();
            steps.push(step.map_err(|_| wrong("its path is no text"))?.into_owned());
        }
        let (namespace, claim, path) = match steps.as_slice() {
            [claim] => (None, claim, &[][..]),
            [claim, folder] => (None, claim, std::slice::from_ref(folder)),
            [namespace, claim, path @ ..] => (Some(namespace), claim, path),
            [] => return Err(wrong("it names no claim")),
        };
        // A slash at the end says nothing more.
        let path = match path {
            [path @ .., last] if last.is_empty() => path,
            path => path,
        };
        if namespace.is_some_and(|namespace| !is_name(namespace)) || !is_name(claim) {
            return Err(wrong("names are lower-case letters, digits, hyphens and dots"));
        }
        if path.iter().any(|step| !is_step(step)) {
            return Err(wrong("a folder in it is named without `.`, `..` and line ends"));
        }
        let mut address = Self {
            namespace: namespace.cloned(),
            claim: claim.clone(),
            path: path.join("/"),
            image: None,
        };
        for (name, value) in url.query_pairs() {
            if name != IMAGE {
                return Err(wrong("its only option is image"));
            }
            address.image = Some(value.into_owned());
        }
        Ok(address)
    }

    /// The same with a namespace.
    pub(super) fn within(mut self, namespace: &str) -> Self {
        self.namespace.get_or_insert_with(|| namespace.to_owned());
        self
    }

    /// A path below its folder as people write it, without the option.
    pub(super) fn place(&self, path: &str) -> String {
        let below = [self.path.as_str(), path];
        let below: Vec<&str> = below.into_iter().filter(|part| !part.is_empty()).collect();
        let below = below.join("/");
        match (&self.namespace, below.is_empty()) {
            (None, true) => format!("pvc://{}", self.claim),
            (None, false) => format!("pvc://{}/{below}", self.claim),
            // The slash tells a namespace and its claim from a claim and its folder.
            (Some(namespace), _) => format!("pvc://{namespace}/{}/{below}", self.claim),
        }
    }
}

impl fmt::Display for ClaimAddress {
    /// The text that names the same folder again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = Url::parse(&self.place("")) else {
            return self.place("").fmt(f);
        };
        if let Some(image) = &self.image {
            url.query_pairs_mut().append_pair(IMAGE, image);
        }
        url.fmt(f)
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.bytes().all(plain) && !text.starts_with(['-', '.'])
}

fn is_step(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\0', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String, String) {
        let address = ClaimAddress::parse(text).unwrap();
        (address.namespace, address.claim, address.path)
    }

    #[test]
    fn a_claim_has_a_namespace_where_three_steps_say_so() {
        let of = |namespace: Option<&str>, claim: &str, path: &str| {
            (namespace.map(str::to_owned), claim.to_owned(), path.to_owned())
        };
        assert_eq!(parsed("pvc://backups"), of(None, "backups", ""));
        assert_eq!(parsed("pvc://backups/"), of(None, "backups", ""));
        assert_eq!(parsed("pvc://backups/my%20shop"), of(None, "backups", "my shop"));
        assert_eq!(parsed("pvc://shop/backups/"), of(Some("shop"), "backups", ""));
        assert_eq!(
            parsed("pvc://shop/backups/a/b"),
            of(Some("shop"), "backups", "a/b")
        );
    }

    #[test]
    fn its_text_names_the_same_folder_again() {
        for text in [
            "pvc://backups",
            "pvc://backups/daily",
            "pvc://shop/backups/",
            "pvc://shop/backups/a/b?image=registry.example%2Fpostgres%3A17",
        ] {
            let address = ClaimAddress::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
        }
        let here = ClaimAddress::parse("pvc://backups/daily").unwrap().within("shop");
        assert_eq!(here.to_string(), "pvc://shop/backups/daily");
        assert_eq!(ClaimAddress::parse(&here.to_string()).unwrap(), here);
        assert_eq!(here.place("c/d"), "pvc://shop/backups/daily/c/d");
    }

    #[test]
    fn what_names_no_folder_of_a_claim_is_refused_without_repeating_a_secret() {
        for text in [
            "pvc://",
            "pvc:///x",
            "pvc://A",
            "pvc://a/b/c//d",
            "pvc://a/b/%2e%2e%2Fc",
            "pvc://a/b/x%0Ay",
            "pvc://a?region=x",
        ] {
            assert!(ClaimAddress::parse(text).is_err(), "{text}");
        }
        let told = ClaimAddress::parse("pvc://me:hush@a/b").unwrap_err();
        assert_eq!(told, AddressError::Credentials);
    }
}
