using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// Discord's rate limits: a bucket per user, route and major id, a global limit per user, and a ban of addresses with too many invalid
/// requests.
/// </summary>
internal sealed class RateLimiter(DiscordSandboxOptions options, TimeProvider time)
{
    private static readonly TimeSpan BanWindow = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong User, string Route, string Major), Window> _windows = [];

    /// <summary>Whether requests are limited.</summary>
    public volatile bool IsOn = options.RateLimits;

    /// <summary>Counts a request against a bucket and sets the rate-limit headers.</summary>
    /// <exception cref="RateLimitedException">The limit of the bucket or the global limit is exceeded.</exception>
    public void Count(DiscordUser user, Bucket bucket, string major, IHeaderDictionary headers)
    {
        if (!IsOn) return;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            var globalLimit = new BucketLimit(options.GlobalPerSecond, TimeSpan.FromSeconds(1));
            var globalWindow = GetWindow((user.Id, "", ""), globalLimit, now);
            if (!globalWindow.TryTake()) throw new RateLimitedException("global", globalWindow.Ends - now);

            var limit = bucket.GetLimit(options);
            var window = GetWindow((user.Id, bucket.Name, major), limit, now);
            var isGranted = window.TryTake();
            headers["X-RateLimit-Limit"] = limit.Requests.ToString();
            headers["X-RateLimit-Remaining"] = window.Left.ToString();
            headers["X-RateLimit-Reset"] = FormatSeconds(window.Ends - DateTimeOffset.UnixEpoch);
            headers["X-RateLimit-Reset-After"] = FormatSeconds(window.Ends - now);
            headers["X-RateLimit-Bucket"] = bucket.Hash;
            if (!isGranted) throw new RateLimitedException("user", window.Ends - now);
        }
    }

    /// <summary>Counts a response with 401, 403 or 429 against the address of the client.</summary>
    public void CountInvalid(string address)
    {
        lock (_gate) GetWindow((0, "invalid", address), BanLimit, time.GetUtcNow()).TryTake();
    }

    /// <summary>The remaining time of a ban. Null: the address is not banned.</summary>
    public TimeSpan? GetBan(string address)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            var window = GetWindow((0, "invalid", address), BanLimit, now);
            return window.Left == 0 ? window.Ends - now : null;
        }
    }

    public void Clear()
    {
        IsOn = options.RateLimits;
        lock (_gate) _windows.Clear();
    }

    private static string FormatSeconds(TimeSpan span) => span.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    private BucketLimit BanLimit => new(options.InvalidRequestsPerTenMinutes, BanWindow);

    private Window GetWindow((ulong, string, string) key, BucketLimit limit, DateTimeOffset now)
    {
        if (_windows.TryGetValue(key, out var window) && now < window.Ends) return window;
        if (_windows.Count > 10_000) RemoveExpired(now);
        return _windows[key] = new Window(limit.Requests, now + limit.Window);
    }

    private void RemoveExpired(DateTimeOffset now)
    {
        foreach (var (key, _) in _windows.Where(entry => entry.Value.Ends <= now).ToList()) _windows.Remove(key);
    }

    private sealed class Window(int left, DateTimeOffset ends)
    {
        public int Left { get; private set; } = left;

        public DateTimeOffset Ends => ends;

        public bool TryTake()
        {
            if (Left == 0) return false;
            Left--;
            return true;
        }
    }
}

/// <summary>A rate-limit bucket. Its requests share a limit per user and major id (a channel or guild).</summary>
internal sealed record Bucket(string Name, Func<DiscordSandboxOptions, BucketLimit> GetLimit)
{
    public static readonly Bucket MessageCreate = new("message-create", o => o.MessageCreate);
    public static readonly Bucket ChannelRename = new("channel-rename", o => o.ChannelRename);

    /// <summary>The value of the header <c>X-RateLimit-Bucket</c>.</summary>
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Name)).AsSpan(0, 16));

    /// <summary>The bucket of a route without a limit of its own.</summary>
    public static Bucket ForRoute(string name) => new(name, o => o.OtherRoutes);
}

/// <summary>A 429 response.</summary>
/// <param name="scope"><c>user</c>, <c>global</c> or <c>shared</c>.</param>
/// <param name="wait">The time until the next allowed request.</param>
/// <param name="code">The JSON error code; 0 for none.</param>
/// <param name="message">The message in the body.</param>
internal sealed class RateLimitedException(string scope, TimeSpan wait, int code = 0, string message = "You are being rate limited.") : Exception(message)
{
    public string Scope => scope;

    public TimeSpan Wait => wait;

    public int Code => code;

    /// <summary>The user has posted in a channel with slow mode too recently.</summary>
    public static RateLimitedException SlowMode(TimeSpan wait) => new("user", wait, 20016, "This action cannot be performed due to slowmode rate limit.");
}
