//! Logins that fail, told without what they put out: that may be a token.

use std::error::Error;
use std::io;

use kube::client::AuthError;

/// How much of a login plugin's complaint is told.
const COMPLAINT_CHARACTERS: usize = 300;

/// Every error of a chain. An `io::Error` hides what it wraps from `source`.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The failed login in an error of a request, if that is what it is. Tokens are got anew while a program runs.
pub(crate) fn login_error(error: &kube::Error) -> Option<&AuthError> {
    match error {
        kube::Error::Auth(error) => Some(error),
        kube::Error::Service(error) => chain(error.as_ref()).find_map(|error| error.downcast_ref()),
        _ => None,
    }
}

/// What failed. Neither the plugin's arguments (client secrets) nor its output (tokens) may be told.
pub(crate) fn login_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("its login plugin cannot be started: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let complaint = String::from_utf8_lossy(&out.stderr);
            let complaint: String = complaint.trim().chars().take(COMPLAINT_CHARACTERS).collect();
            if complaint.is_empty() {
                format!("its login plugin ended with {}", out.status)
            } else {
                format!("its login plugin ended with {}: {complaint}", out.status)
            }
        }
        AuthError::AuthExecParse(_) => "its login plugin put out no ExecCredential".to_owned(),
        AuthError::ParseTokenKey(_) => "its token is not where the kubeconfig says".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::AuthError;
    use crate::RequestError;

    #[cfg(unix)]
    #[test]
    fn neither_arguments_nor_output_of_a_login_plugin_are_told() {
        use std::os::unix::process::ExitStatusExt as _;
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"token-in-output".to_vec(),
            stderr: b"please log in".to_vec(),
        };
        let error = AuthError::AuthExecRun {
            cmd: "login --client-secret=secret-in-arguments".to_owned(),
            out: Box::new(out),
        };
        let error = RequestError(Box::new(kube::Error::Service(Box::new(error))));
        let told = model::causes(&error);
        assert!(told.contains("please log in"), "{told}");
        assert!(
            !told.contains("secret-in") && !told.contains("token-in"),
            "{told}"
        );
    }
}
