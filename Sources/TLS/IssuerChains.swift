// `issuers-chain-path`: certificates that sign others, kept to complete the chains of those whose files have none.

internal import Basics
internal import COpenSSL
internal import Configuration

/// The certificates of a folder, each with those that follow it in its file.
@safe
final class IssuerChains: Sendable {
    // Safe: not changed after they were read.
    nonisolated(unsafe) private let chains: [Chain]

    /// The certificates of one file.
    @unsafe struct Chain {
        let path: String
        let certificates: [OpaquePointer]
    }

    /// Reads the files of a folder. Files without certificates are passed over.
    init(_ folder: Word) throws(ConfigProblem) {
        var chains: [Chain] = unsafe []
        do throws(FileRefusal) {
            for name in try SecretFile.names(in: folder.text) {
                let path = folder.text + (folder.text.hasSuffix("/") ? "" : "/") + name
                guard SecretFile.kind(of: path) == .file else { continue }
                let blocks = try PEMBlock.all(in: try SecretFile.read(path)).filter(\.isCertificate)
                let chain = unsafe blocks.compactMap { unsafe $0.certificate() }
                if unsafe !chain.isEmpty { unsafe chains.append(Chain(path: path, certificates: chain)) }
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
            for unsafe certificate in unsafe chain.certificates { unsafe X509_free(certificate) }
        }
    }

    /// The certificates that lead from the one that signed `leaf` upwards, and their file; the caller frees them. Nil: there are none.
    func chain(of leaf: OpaquePointer) -> Chain? {
        defer { ERR_clear_error() }
        let found = unsafe chains.first { chain in
            unsafe X509_check_issued(chain.certificates[0], leaf) == X509_V_OK
        }
        // swift-format-ignore
        for unsafe certificate in unsafe found?.certificates ?? [] { _ = unsafe X509_up_ref(certificate) }
        return unsafe found
    }
}
