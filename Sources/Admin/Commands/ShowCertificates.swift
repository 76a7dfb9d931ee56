// `show ssl cert`: the certificates that are loaded, and what one of them says, in HAProxy's layout.

internal import Basics
internal import Configuration
internal import TLS

public enum ShowCertificates: RuntimeCommand {
    public static let name = "show ssl cert"
    public static let usage = "show ssl cert [<certfile>]"
    public static let level = AccessLevel.operator
    public static let summary = "display the SSL certificates used in memory, or the details of a file"

    public static func run(_ call: inout CommandCall) {
        let store = call.context.encryption.certificates
        guard let word = call.words.first else {
            if let open = store.openTransaction { call.say("# transaction\n*\(open)") }
            call.say("# filename")
            for name in store.names.sorted() { call.say(name) }
            return
        }
        let wanted = NameOfFile(word)
        var text: [UInt8] = []
        let isFound =
            wanted.isTransaction
            ? store.appendTransaction(wanted.name, to: &text) : store.appendDetails(of: wanted.name, to: &text)
        if isFound {
            call.say { $0 += text }
        } else if !sayResponse(ofFile: wanted, &call) {
            call.fail("Can't display the certificate: Not found or the certificate is a bundle!")
        }
    }

    /// Shows the OCSP response of a file beside a certificate; false if there is none.
    private static func sayResponse(ofFile wanted: NameOfFile, _ call: inout CommandCall) -> Bool {
        var text: [UInt8] = []
        guard
            call.context.encryption.certificates.appendResponse(
                ofFile: wanted.name, isDraft: wanted.isTransaction, to: &text)
        else { return false }
        call.say { $0 += text }
        return true
    }
}

/// The name of a file as commands take it: with an asterisk before it, what is being changed; behind a backslash, whatever it begins
/// with.
struct NameOfFile {
    let name: String
    let isTransaction: Bool

    init(_ word: String) {
        isTransaction = word.hasPrefix("*")
        name = isTransaction || word.hasPrefix("\\") ? String(word.dropFirst()) : word
    }
}

/// `show ssl providers`: which implementations OpenSSL has loaded.
public enum ShowProviders: RuntimeCommand {
    public static let name = "show ssl providers"
    public static let summary = "show loaded SSL providers"

    public static func run(_ call: inout CommandCall) {
        call.say("Loaded providers : ")
        for provider in TLSLibrary.providers { call.say("\t- \(provider)") }
    }
}

/// `show ssl sni`: for which names each listener has a certificate.
public enum ShowServerNames: RuntimeCommand {
    public static let name = "show ssl sni"
    public static let usage = "show ssl sni [-f <frontend>] [-A] [-t <offset>]"
    public static let summary = "display the list of SNI and their corresponding filename"

    public static func run(_ call: inout CommandCall) {
        let state = call.context.encryption
        var words = call.words[...]
        var frontend: String?
        var endedOnly = false
        var offset: Int64 = 0
        while let word = words.popFirst() {
            switch word {
            case "-f":
                guard let name = words.popFirst() else { return call.fail("'-f' requires a frontend name!") }
                frontend = name
            case "-A": endedOnly = true
            case "-t":
                guard let text = words.popFirst() else { return call.fail("'-t' requires an offset argument!") }
                guard let seconds = seconds(text) else {
                    return call.fail("'-t \(text)' : expects a time, 30d for example")
                }
                offset = seconds
            default:
                return call.fail("Invalid parameters, 'show ssl sni' only supports '-f', '-A' or '-t' options!")
            }
        }
        if let frontend, call.context.statistics.id(ofProxyNamed: frontend) == nil {
            return call.fail("Couldn't find the specified frontend!")
        }
        let limit = endedOnly ? Int64(call.context.wallTime.seconds) + offset : nil
        call.say("# Frontend/Bind\tSNI\tNegative Filter\tType\tFilename\tNotAfter\tNotBefore")
        for place in state.listeners where frontend == nil || place.frontend == frontend {
            for entry in place.listener.shownNames {
                let certificate = entry.certificate
                if let limit, certificate.validUntil >= limit { continue }
                call.say(
                    "\(place.frontend)/\(place.line.file):\(place.line.line)\t\(entry.name)\t\(entry.excluded)\t"
                        + "\(certificate.kindName)\t\(certificate.name)\t\(certificate.endText)\t\(certificate.beginningText)"
                )
            }
        }
    }

    /// A number with a unit of time; seconds without one.
    private static func seconds(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        let unit = text.last.flatMap { units[$0] }
        guard let number = Int64(unit == nil ? text[...] : text.dropLast()), number >= 0 else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
        return overflow || product > Int64(Int32.max) ? nil : product
    }
}
