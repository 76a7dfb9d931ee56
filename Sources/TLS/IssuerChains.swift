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

    private let folder: String
    /// What the folder's files were when they were read.
    private let signature: FileSignature

    /// The chains of a folder: those that were read before, if it is the same and has not changed since.
    static func read(_ folder: Word, unlessSameAs before: IssuerChains?) throws(ConfigProblem) -> IssuerChains {
        let signature = FileSignature(paths(of: folder))
        if let before, before.folder == folder.text, before.signature == signature { return before }
        return try IssuerChains(folder, signature)
    }

    private static func paths(of folder: Word) -> [String] {
        ((try? SecretFile.names(in: folder.text)) ?? []).map { folder.text + "/" + $0 }
    }

    /// Reads the files of a folder. Files without certificates are passed over.
    private init(_ folder: Word, _ signature: FileSignature) throws(ConfigProblem) {
        self.folder = folder.text
        self.signature = signature
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
