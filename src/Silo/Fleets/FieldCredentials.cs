namespace CozeCluster.Silo.Fleets;

/// <summary>The forms of addresses and credentials.</summary>
internal static class FieldCredentials
{
    private const string ExpectedUrl = "a URL that begins with https:// or http://, without user, query or fragment";
    private const string ExpectedSocketUrl = "a URL that begins with wss:// or ws://, without user, query or fragment";
    private const string ExpectedProxy = "a URL that begins with http://, socks4://, socks4a:// or socks5://, with nothing behind host and port";
    private const string ExpectedToken = "a token: printable ASCII characters, no spaces";

    /// <summary>Where an API is, without a slash at the end.</summary>
    public static string? BaseUrl(this Field field) => field.Text(text => IsUrl(text, "https", "http"), ExpectedUrl)?.TrimEnd('/');

    /// <summary>Where a WebSocket is.</summary>
    public static string? SocketUrl(this Field field) => field.Text(text => IsUrl(text, "wss", "ws"), ExpectedSocketUrl);

    /// <summary>A proxy, perhaps with a password in it.</summary>
    public static string? Proxy(this Field field) => field.Text(IsProxy, ExpectedProxy);

    /// <summary>A token, in place or in a file; at most one of the two exists.</summary>
    public static string? Token(this Field inPlace, Field file)
    {
        var fromFile = file.SecretFile();
        if (fromFile is not null && !IsToken(fromFile)) file.Report($"Expected {ExpectedToken} in that file.");
        return inPlace.Text(IsToken, ExpectedToken) ?? fromFile;
    }

    private static bool IsToken(string text) => text.Length <= 4096 && text.All(c => c is > ' ' and <= '~');

    private static bool IsUrl(string text, params ReadOnlySpan<string> schemes) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && schemes.Contains(url.Scheme)
        && url.Host.Length > 0 && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && !text.Contains(' ');

    private static bool IsProxy(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "socks4" or "socks4a" or "socks5"
        && url.Host.Length > 0 && url.PathAndQuery is "/" or "" && url.Fragment.Length == 0;
}
