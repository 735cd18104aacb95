import Tensor

/// Opens and validates a safetensors file.
func openSafetensors(_ path: String) throws(AdapterError) -> SafetensorsFile {
    do {
        return try SafetensorsFile(path: path)
    } catch {
        throw .unreadable(path: path, reason: "\(error)")
    }
}

/// All tensors by name, copied: adapters and checkpoints are small, and outlive their file.
func readTensors(_ file: SafetensorsFile, path: String) throws(AdapterError) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for name in file.names {
        do {
            let mapped = try file.tensor(name)
            tensors[name] = Tensor(shape: mapped.shape, mapped.elements)
        } catch {
            throw .unreadable(path: path, reason: "tensor \(name): \(error)")
        }
    }
    return tensors
}
