//! Files of surrogates: safetensors with everything needed to use them, to go on from them, and to know where they are from.
//!
//! Tensors `layers.{l}.weight` `[fan_out, fan_in]` and `layers.{l}.bias` `[fan_out]`, in double precision; metadata of text:
//! `format`, `version`, `activations`, `widths`, `scaling` (JSON) and whatever the writer adds ([`Metadata`]).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use tempfile::NamedTempFile;

use super::{Scaling, Surrogate};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::nn::{Chain as _, Layer, Network, Stack};

/// What a file says besides the network: seeds, the reference model, how it was trained. Any text under any name.
pub type Metadata = BTreeMap<String, String>;

/// How many of a network's inputs are prices, the first ones: field `spots`, all where it is missing. Gamma is taken along
/// these; the other inputs are parameters, which stay.
///
/// # Errors
/// A field that is no number from 1 to `inputs`.
pub fn spots(metadata: &Metadata, inputs: usize) -> Result<usize> {
    let Some(text) = metadata.get("spots") else { return Ok(inputs) };
    match text.parse() {
        Ok(spots) if (1..=inputs).contains(&spots) => Ok(spots),
        _ => Err(Error::invalid("metadata field `spots`", format!("expected 1 to {inputs}, found `{text}`"))),
    }
}

/// What `format` must say.
const FORMAT: &str = "sobolev-surrogate";
/// Version of the layout described above.
const VERSION: &str = "1";
/// More nodes than any layer here can have; a larger number in a file is a mistake, not a plan.
const MOST_NODES: usize = 1 << 20;

/// Writes bytes to a temporary file beside `path`, then renames it: the file is there whole or not at all.
///
/// # Errors
/// If the folder cannot be made, or the file not written.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = temporary_beside(path)?;
    file.write_all(bytes).map_err(Error::io(path, "write"))?;
    file.persist(path).map_err(|e| Error::io(path, "write")(e.error))?;
    Ok(())
}

/// A file that takes the name `path` once it is persisted, and is gone if it is not.
pub(super) fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    if path.is_dir() {
        // Said now, not when the work is done.
        return Err(Error::io(path, "write")(std::io::ErrorKind::IsADirectory.into()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io(folder, "make the folder"))?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A temporary file is private by default; a result is a file like any other.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.prefix(".sobolev-").tempfile_in(folder).map_err(Error::io(path, "write"))
}

impl Surrogate {
    /// Writes the surrogate with its metadata, atomically.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path, metadata: &Metadata) -> Result<()> {
        let layers = self.network.chain().layers();
        let mut tensors = Vec::new();
        for (l, layer) in layers.iter().enumerate() {
            let (w, b) = self.network.layer_params(l);
            let bytes = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            tensors.push((format!("layers.{l}.weight"), vec![layer.fan_out.0, layer.fan_in.0], bytes(w)));
            tensors.push((format!("layers.{l}.bias"), vec![layer.fan_out.0], bytes(b)));
        }
        let views = tensors.iter().map(|(name, shape, bytes)| {
            (name, TensorView::new(Dtype::F64, shape.clone(), bytes).expect("eight bytes a number"))
        });
        let list = |items: Vec<String>| items.join(",");
        let mut text: HashMap<String, String> = metadata.clone().into_iter().collect();
        text.insert("format".into(), FORMAT.into());
        text.insert("version".into(), VERSION.into());
        text.insert("widths".into(), list(self.widths().iter().map(ToString::to_string).collect()));
        text.insert("activations".into(), list(layers.iter().map(|l| l.activation.to_string()).collect()));
        text.insert("scaling".into(), serde_json::to_string(&self.scaling).expect("plain numbers"));
        let mut bytes = serialize(views, Some(text)).map_err(|e| Error::format(path, e.to_string()))?;
        sort_header(&mut bytes);
        write_atomically(path, &bytes)
    }

    /// Reads a surrogate and its metadata.
    ///
    /// # Errors
    /// If the file cannot be read, is truncated, is no surrogate, or a tensor is missing, has another shape than the widths
    /// say, or holds a number that is not finite: the error names the field or tensor and what was expected.
    pub fn load(path: &Path) -> Result<(Self, Metadata)> {
        let bytes = fs::read(path).map_err(Error::io(path, "read"))?;
        let bad = |message: String| Error::format(path, message);
        let (_, header) =
            SafeTensors::read_metadata(&bytes).map_err(|e| bad(format!("not a safetensors file: {e}")))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| bad(format!("damaged safetensors file: {e}")))?;
        let mut metadata: Metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let mut field =
            |name: &str| metadata.remove(name).ok_or_else(|| bad(format!("metadata field `{name}` is missing")));
        let format = field("format")?;
        if format != FORMAT {
            return Err(bad(format!("metadata field `format`: expected `{FORMAT}`, found `{format}`")));
        }
        let version = field("version")?;
        if version != VERSION {
            return Err(bad(format!("metadata field `version`: this program reads {VERSION}, found `{version}`")));
        }
        let widths = field("widths")?
            .split(',')
            .map(|w| w.parse().ok().filter(|n| (1..=MOST_NODES).contains(n)))
            .collect::<Option<Vec<usize>>>()
            .filter(|w| w.len() > 1)
            .ok_or_else(|| bad("metadata field `widths`: expected at least two positive numbers".into()))?;
        let activations = field("activations")?
            .split(',')
            .map(str::parse)
            .collect::<std::result::Result<Vec<Activation>, _>>()
            .map_err(|e| bad(format!("metadata field `activations`: {e}")))?;
        if activations.len() + 1 != widths.len() {
            let (n, layers) = (activations.len(), widths.len() - 1);
            return Err(bad(format!("metadata field `activations`: expected {layers} for {layers} layers, found {n}")));
        }
        let scaling: Scaling =
            serde_json::from_str(&field("scaling")?).map_err(|e| bad(format!("metadata field `scaling`: {e}")))?;
        scaling.check(widths[0]).map_err(|e| bad(format!("metadata field `scaling`: {e}")))?;
        let mut params = Vec::new();
        let layers: Vec<Layer> = widths.windows(2).zip(activations).map(|(w, a)| Layer::new(w[0], w[1], a)).collect();
        for (l, layer) in layers.iter().enumerate() {
            let (fan_in, fan_out) = (layer.fan_in.0, layer.fan_out.0);
            for (kind, shape) in [("weight", vec![fan_out, fan_in]), ("bias", vec![fan_out])] {
                let name = format!("layers.{l}.{kind}");
                let tensor = tensors.tensor(&name).map_err(|_| bad(format!("tensor `{name}` is missing")))?;
                read_tensor(&tensor, &shape, &mut params).map_err(|e| bad(format!("tensor `{name}`: {e}")))?;
            }
        }
        let network = Network::new(Stack::from_layers(layers), params);
        Ok((Self { network, scaling }, metadata))
    }
}

/// Puts the header's fields in order, in place: the library writes metadata in the order of a hash map, and the same
/// network should be the same file.
fn sort_header(bytes: &mut [u8]) {
    let (length, rest) = bytes.split_at_mut(8);
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize;
    let header = &mut rest[..length];
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).expect("written as JSON");
    let sorted = serde_json::to_vec(&fields).expect("read as JSON");
    // Only the order changes, so that it fits; the format pads with spaces.
    header.fill(b' ');
    header[..sorted.len()].copy_from_slice(&sorted);
}

fn read_tensor(tensor: &TensorView<'_>, shape: &[usize], params: &mut Vec<f64>) -> std::result::Result<(), String> {
    if tensor.shape() != shape {
        return Err(format!("expected shape {shape:?}, found {:?}", tensor.shape()));
    }
    let start = params.len();
    match tensor.dtype() {
        Dtype::F64 => params.extend(tensor.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b))),
        Dtype::F32 => params.extend(tensor.data().as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)))),
        other => return Err(format!("expected F64 or F32, found {other:?}")),
    }
    match params[start..].iter().position(|v| !v.is_finite()) {
        Some(i) => Err(format!("entry {i} is {}, expected a finite number", params[start + i])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surrogate() -> Surrogate {
        let stack = Stack::mlp(2, &[3], 1, Activation::Silu);
        let params = (0..stack.params()).map(|i| 0.1 * i as f64 - 0.5).collect();
        Surrogate { network: Network::new(stack, params), scaling: Scaling::identity(2) }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/model.safetensors");
        let metadata = Metadata::from([("seed".to_owned(), "7".to_owned())]);
        surrogate().save(&path, &metadata).expect("written");
        assert_eq!(Surrogate::load(&path).expect("read"), (surrogate(), metadata));
        assert_eq!(
            fs::read_dir(path.parent().expect("a folder")).expect("listed").count(),
            1,
            "nothing temporary stays"
        );
    }

    /// Every prefix of a file is an error, never a panic and never a surrogate.
    #[test]
    fn truncated_files_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        surrogate().save(&path, &Metadata::new()).expect("written");
        let whole = fs::read(&path).expect("read");
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            let error = Surrogate::load(&path).expect_err("truncated");
            assert!(error.to_string().contains("model.safetensors"), "{error}");
        }
    }

    #[test]
    fn damage_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        surrogate().save(&path, &Metadata::new()).expect("written");
        let whole = fs::read(&path).expect("read");
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().expect("eight")) as usize;
        let mut nan = whole.clone();
        nan[header..header + 8].copy_from_slice(&f64::NAN.to_le_bytes());
        let text = |from: &str, to: &str| {
            assert_eq!(from.len(), to.len());
            let at = whole.windows(from.len()).position(|w| w == from.as_bytes()).expect("there");
            let mut changed = whole.clone();
            changed[at..at + from.len()].copy_from_slice(to.as_bytes());
            changed
        };
        for (bytes, says) in [
            (nan, "entry 0 is NaN"),
            (text("2,3,1", "2,4,1"), "expected shape [4, 2], found [3, 2]"),
            (text("2,3,1", "2,0,1"), "`widths`"),
            (text("silu,identity", "selu,identity"), "unknown activation"),
            (text("layers.1.bias", "layers.1.bais"), "tensor `layers.1.bias` is missing"),
            (text("sobolev-surrogate", "sobolev-something"), "`format`"),
        ] {
            fs::write(&path, bytes).expect("written");
            let error = Surrogate::load(&path).expect_err("damaged").to_string();
            assert!(error.contains(says), "{error} does not say {says}");
        }
    }
}
