// `issuers-chain-path`: certificates that sign others, kept to complete the chains of those whose files have none.

internal import Basics
internal import COpenSSL
internal import Configuration

/// The certificates of a folder, each with those that follow it in its file.
@safe
final class IssuerChains: Sendable {
    // Safe: not changed after they were read.
    nonisolated(unsafe) private let chains: [[OpaquePointer]]

    /// Reads the files of a folder. Files without certificates are passed over.
    init(_ folder: Word) throws(ConfigProblem) {
        var chains: [[OpaquePointer]] = unsafe []
        do throws(FileRefusal) {
            for name in try SecretFile.names(in: folder.text) {
                let path = folder.text + "/" + name
                guard SecretFile.kind(of: path) == .file else { continue }
                let blocks = try PEMBlock.all(in: try SecretFile.read(path)).filter(\.isCertificate)
                let chain = unsafe blocks.compactMap { unsafe $0.certificate() }
                if unsafe !chain.isEmpty { unsafe chains.append(chain) }
            }
        } catch {
            throw ConfigProblem("'\(folder.text)': \(error.text)", at: folder.range)
        }
        unsafe self.chains = chains
    }

    deinit {
        // swift-format-ignore
        for unsafe chain in unsafe chains {
            // swift-format-ignore
            for unsafe certificate in unsafe chain { unsafe X509_free(certificate) }
        }
    }

    /// The certificates that lead from the one that signed `leaf` upwards; the caller frees them. Empty: there is none.
    func chain(of leaf: OpaquePointer) -> [OpaquePointer] {
        let found = unsafe chains.first { chain in
            unsafe X509_check_issued(chain[0], leaf) == X509_V_OK
        }
        defer { ERR_clear_error() }
        return unsafe (found ?? []).map { certificate in
            _ = unsafe X509_up_ref(certificate)
            return unsafe certificate
        }
    }
}
