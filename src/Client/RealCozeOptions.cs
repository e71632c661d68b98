namespace CozeCluster.Client;

/// <summary>How a <see cref="RealCozeApi"/> reaches its bot.</summary>
public sealed class RealCozeOptions
{
    /// <summary>
    /// A token of Coze: a personal access token (<c>pat_…</c>) with the permissions <c>chat</c>, and for files <c>uploadFile</c>. (Real-Coze-API had the cookie
    /// of a browser session here, which Coze does not accept any more.)
    /// </summary>
    public required string Session { get; init; }

    /// <summary>The bot. It must be published to the API.</summary>
    public required RealCozeBot Bot { get; init; }

    /// <summary>A proxy: <c>http://</c>, <c>socks4://</c> or <c>socks5://</c>, also with a user and a password. Null: the proxy of the environment.</summary>
    public string? Proxy { get; init; }

    /// <summary>Coze's API. Default: that of coze.com. Accounts of coze.cn use <c>https://api.coze.cn</c>.</summary>
    public Uri BaseUrl { get; init; } = new("https://api.coze.com");

    /// <summary>The id of the end user. Coze keeps the memories of users apart. Default: <c>real-coze-api</c>.</summary>
    public string User { get; init; } = "real-coze-api";

    /// <summary>The longest time to wait for the next piece of a reply. Default: 2 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Sends the requests, for programs with a handler of their own; then <see cref="Proxy"/> is not used. Null: a new one.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>The clock. Default: that of the system.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
