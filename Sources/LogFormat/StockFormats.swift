// The formats that `option httplog` and the like stand for, written in their own language (manual, section 8.2).

internal import Basics
internal import Configuration

extension LogFormat {
    public static let tcp = LogFormat(stock: "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq")

    private static let httpText =
        "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
    public static let http = LogFormat(stock: httpText)

    /// As `http`, with what there is to say of TLS behind it: error codes, resumption, name, version and cipher. Where a
    /// connection is not encrypted, HAProxy writes just this.
    public static let https = LogFormat(stock: httpText + " 0/-/-/-/0 -/-/-")

    static let clf = LogFormat(
        stock: "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc"
            + " %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl")

    /// What is written when the client connects is no format of variables: see `ExchangeLog`.
    public static let connection = LogFormat(stock: "")

    private init(stock text: String) {
        do throws(ConfigProblem) {
            try self.init(Word(text, at: SourceRange(file: "stock format", line: 1)))
        } catch {
            preconditionFailure("stock format '\(text)': \(error.message)")
        }
    }
}
