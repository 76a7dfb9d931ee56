// The table of certificates on the stats page: which of them end soon. Those of a page that shows only some proxies are left out, since
// they belong to all.

internal import Basics
internal import TLS

extension StatsPage {
    /// Rows at most: who has more certificates looks at those that end first.
    private static let certificatesMax = 100
    /// Before that a certificate is marked.
    private static let markedSeconds: Int64 = 14 * 86_400

    func appendCertificates(to out: inout [UInt8]) {
        let ends = source.certificateEnds
        guard !ends.isEmpty, settings.scope.isEmpty, request.scope.isEmpty else { return }
        out.append("<section id=\"certificates\">\n<h2>Certificates</h2>\n")
        beginTable([("Certificate", ""), ("Names", ""), ("State", ""), ("Ends", "UTC"), ("Left", "")], to: &out)
        let now = Int64(wallTime.seconds)
        for end in ends.prefix(Self.certificatesMax) { append(end, now, to: &out) }
        out.append("</tbody></table></div>\n")
        if ends.count > Self.certificatesMax {
            out.append("<p class=\"m\">")
            out.append(count: ends.count - Self.certificatesMax)
            out.append(" more end later.</p>\n")
        }
        out.append("</section>\n")
    }

    private func append(_ end: CertificateEnd, _ now: Int64, to out: inout [UInt8]) {
        let left = end.validUntil - now
        let tone: StateTone = left <= 0 ? .bad : left < Self.markedSeconds ? .changing : .good
        out.append("<tr class=\"")
        out.append(tone.className)
        out.append("\"><th scope=\"row\" title=\"")
        out.append(html: end.name)
        out.append("\">")
        // The file's name says more than the folders before it.
        out.append(html: end.name.split(separator: "/").last.map(String.init) ?? end.name)
        out.append("</th><td class=\"l\">")
        out.append(html: end.hostNames.prefix(3).joined(separator: ", "))
        if end.hostNames.count > 3 {
            out.append(" <span class=\"m\">and ")
            out.append(count: end.hostNames.count - 3)
            out.append(" more</span>")
        }
        out.append("</td><td class=\"l\"><span class=\"s\">")
        let word: StaticString = left <= 0 ? "expired" : left < Self.markedSeconds ? "ends soon" : "valid"
        out.append(word)
        out.append("</span></td><td>")
        let time = CivilTime(secondsSince1970: Int(end.validUntil))
        for (part, width, separator) in [(time.year, 4, 0x2D), (time.month, 2, 0x2D), (time.day, 2, 0x20)] {
            out.append(decimal: part, width: width)
            out.append(UInt8(separator))
        }
        out.append("</td><td>")
        if left > 0 {
            out.append(count: Int(left / 86_400))
            out.append(left / 86_400 == 1 ? " day" : " days")
        }
        out.append("</td></tr>\n")
    }
}
