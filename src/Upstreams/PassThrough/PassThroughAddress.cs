namespace CozeCluster.Upstreams.PassThrough;

/// <summary>Determines the address of a request that is passed through. It is always below the address of the account.</summary>
internal static class PassThroughAddress
{
    private const string OpenAiVersion = "/v1";

    // A path that is still encoded after so many times means nothing to a server.
    private const int MaxDecodings = 4;

    /// <summary>The address for a path.</summary>
    /// <param name="upstream">The provider.</param>
    /// <param name="baseUrl">The base URL of the account, which may end with a version, as clients of the provider expect it.</param>
    /// <param name="path">The path at the provider's own server, percent-encoded.</param>
    /// <param name="query">The query with its question mark, or an empty text.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.InvalidRequest"/>: the path leaves the base URL. <see cref="ErrorCode.UpstreamUnavailable"/>: the base URL is not valid.
    /// </exception>
    public static Uri Of(string upstream, string baseUrl, string path, string query)
    {
        baseUrl = baseUrl.TrimEnd('/');
        if (!Uri.TryCreate(baseUrl, UriKind.Absolute, out var given) || given.Scheme is not ("http" or "https") || given.Query.Length > 0)
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnavailable,
                $"The base_url of an account of {upstream} is not an http:// or https:// address. Correct it in the fleet file.");
        }
        if (!StaysBelow(path)) throw Leaves();
        var root = RootOf(upstream, baseUrl);
        // A compatible server that has no such version in its address: OpenAI's /v1 is its base URL.
        if (upstream == UpstreamNames.OpenAi && root.Length == baseUrl.Length && path.StartsWith(OpenAiVersion + "/", StringComparison.Ordinal))
            path = path[OpenAiVersion.Length..];
        var expected = new Uri(root + "/");
        return Uri.TryCreate(root + path + query, UriKind.Absolute, out var uri) && expected.IsBaseOf(uri) && uri.UserInfo.Length == 0
            && uri.AbsolutePath.StartsWith(expected.AbsolutePath, StringComparison.Ordinal)
            ? uri
            : throw Leaves();
    }

    private static ClusterException Leaves() => new(ErrorCode.InvalidRequest, "The path of the request is not valid. Send it without '.' and '..' segments.");

    /// <summary>The base URL without the version at its end.</summary>
    private static string RootOf(string upstream, string baseUrl)
    {
        var last = baseUrl[(baseUrl.LastIndexOf('/') + 1)..];
        var isVersion = upstream == UpstreamNames.Gemini ? last is ['v', >= '0' and <= '9', ..] : last == "v1";
        return isVersion ? baseUrl[..^(last.Length + 1)] : baseUrl;
    }

    /// <summary>Whether a path has no segment that leads upwards, in any form that a server or .NET could understand.</summary>
    private static bool StaysBelow(string path)
    {
        if (path is not ['/', ..]) return false;
        for (var i = 0; i < MaxDecodings; i++)
        {
            if (path.Any(c => char.IsControl(c) || c is '\\' or '#' or '?')) return false;
            // An empty segment at the start would be the name of a server.
            if (path.StartsWith("//", StringComparison.Ordinal) || path.Split('/').Any(segment => segment is "." or "..")) return false;
            var decoded = Uri.UnescapeDataString(path);
            if (decoded == path) return true;
            path = decoded;
        }
        return false;
    }
}
