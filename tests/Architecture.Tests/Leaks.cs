using System.Text.RegularExpressions;

namespace CozeCluster.Architecture.Tests;

/// <summary>Text that no file of a public repository may contain. The patterns do not match their own source code.</summary>
internal static partial class Leaks
{
    /// <summary>Every leak in a text, with its kind.</summary>
    public static IEnumerable<string> In(string text) =>
        Patterns().SelectMany(pattern => pattern.Regex.Matches(text).Select(match => $"{pattern.Name}: {match.Value[..Math.Min(match.Length, 24)]}"));

    private static IEnumerable<(string Name, Regex Regex)> Patterns() =>
    [
        ("a path of one machine", MachinePath()),
        ("a package registry", Registry()),
        ("a token", Token()),
        ("a private key", PrivateKey()),
    ];

    [GeneratedRegex(@"(?<![\w.}/-])/(work|root|home/\w+|Users/\w+|tmp/wt)/|\b[A-Z]:\\Users\\")]
    private static partial Regex MachinePath();

    [GeneratedRegex(
        @"registry\.(npmjs|yarnpkg|npmmirror)\.\w|\bnuget\.(org|cdn)\b|api\.nuget\.|pypi\.(org|python)|pkgs\.dev\.azure|" +
        @"\bnpm\.pkg\.github|crates\.io/api|proxy\.golang\.|/artifactor[y]/",
        RegexOptions.IgnoreCase)]
    private static partial Regex Registry();

    [GeneratedRegex(
        @"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{40}|\bsk-(?:ant-|proj-)?[A-Za-z0-9]{32}|\bpat_[A-Za-z0-9]{40}|\bczs_[A-Za-z0-9]{40}|" +
        @"\bxox[abprs]-\d{8}|\bAKIA[0-9A-Z]{16}\b|\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}\b|\bAIza[\w-]{35}")]
    private static partial Regex Token();

    [GeneratedRegex(@"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*[A-Za-z0-9+/=]{16}")]
    private static partial Regex PrivateKey();
}
