// Examples for the rows of the converter table, in alphabetical order: the whole expression.

import Configuration

extension Examples {
    static let converters: [Example] = [
        converter("length", "path,length", not: "path,length(1)"),
        converter("lower", "path,lower", not: "path,lower(1)"),
        converter("regsub", "path,regsub(a,b,g)", not: "path,regsub(a,b,x)"),
        converter("upper", "path,upper", not: "path,upper(1)"),
    ]
}
