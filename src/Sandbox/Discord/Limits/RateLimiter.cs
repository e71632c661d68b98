using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's rate limits: a bucket per user, route and major id; a global limit per user; a ban of addresses that keep failing.</summary>
internal sealed class RateLimiter(DiscordSandboxOptions options, TimeProvider time)
{
    private static readonly TimeSpan BanWindow = TimeSpan.FromMinutes(10);
    private readonly Lock _gate = new();
    private readonly Dictionary<(ulong User, string Route, string Major), Window> _windows = [];

    /// <summary>Whether requests are limited at all.</summary>
    public volatile bool IsOn = options.RateLimits;

    /// <summary>Takes one request from the bucket and writes its headers.</summary>
    /// <exception cref="RateLimited">The bucket, or the global allowance, is empty.</exception>
    public void Take(DiscordUser user, Bucket bucket, string major, IHeaderDictionary headers)
    {
        if (!IsOn) return;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            var second = new BucketLimit(options.GlobalPerSecond, TimeSpan.FromSeconds(1));
            if (!Current((user.Id, "", ""), second, now).Take(out var wait))
                throw new RateLimited("global", wait);

            var limit = bucket.LimitOf(options);
            var window = Current((user.Id, bucket.Name, major), limit, now);
            var granted = window.Take(out wait);
            headers["X-RateLimit-Limit"] = limit.Requests.ToString();
            headers["X-RateLimit-Remaining"] = window.Left.ToString();
            headers["X-RateLimit-Reset"] = Seconds(window.Ends - DateTimeOffset.UnixEpoch);
            headers["X-RateLimit-Reset-After"] = Seconds(window.Ends - now);
            headers["X-RateLimit-Bucket"] = bucket.Hash;
            if (!granted) throw new RateLimited("user", wait);
        }
    }

    /// <summary>Counts an answer of 401, 403 or 429 against the address it went to.</summary>
    public void CountInvalid(string address)
    {
        lock (_gate) Current((0, "invalid", address), BanLimit, time.GetUtcNow()).Take(out _);
    }

    /// <summary>How long the address stays banned; null when it is not.</summary>
    public TimeSpan? BannedFor(string address)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            var window = Current((0, "invalid", address), BanLimit, now);
            return window.Left == 0 ? window.Ends - now : null;
        }
    }

    public void Clear()
    {
        IsOn = options.RateLimits;
        lock (_gate) _windows.Clear();
    }

    internal static string Seconds(TimeSpan span) => span.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    private BucketLimit BanLimit => new(options.InvalidRequestsPerTenMinutes, BanWindow);

    private Window Current((ulong, string, string) key, BucketLimit limit, DateTimeOffset now)
    {
        if (_windows.TryGetValue(key, out var window) && now < window.Ends) return window.At(now);
        if (_windows.Count > 10_000) Forget(now);
        return (_windows[key] = new Window(limit.Requests, now + limit.Window)).At(now);
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var (key, _) in _windows.Where(entry => entry.Value.Ends <= now).ToList()) _windows.Remove(key);
    }

    private sealed class Window(int left, DateTimeOffset ends)
    {
        private DateTimeOffset _now;

        public int Left { get; private set; } = left;

        public DateTimeOffset Ends => ends;

        public Window At(DateTimeOffset now)
        {
            _now = now;
            return this;
        }

        public bool Take(out TimeSpan wait)
        {
            wait = ends - _now;
            if (Left == 0) return false;
            Left--;
            return true;
        }
    }
}

/// <summary>A rate-limit bucket. Requests of one bucket share a limit per user and major id (channel or guild).</summary>
internal sealed record Bucket(string Name, Func<DiscordSandboxOptions, BucketLimit> LimitOf)
{
    public static readonly Bucket MessageCreate = new("message-create", o => o.MessageCreate);
    public static readonly Bucket ChannelRename = new("channel-rename", o => o.ChannelRename);

    /// <summary>The opaque name in <c>X-RateLimit-Bucket</c>.</summary>
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Name)).AsSpan(0, 16));

    public static Bucket Other(string name) => new(name, o => o.OtherRoutes);
}

/// <summary>A 429.</summary>
/// <param name="scope">user, global or shared.</param>
/// <param name="wait">When to come back.</param>
/// <param name="code">A JSON error code, 0 for none.</param>
/// <param name="message">The message of the body.</param>
internal sealed class RateLimited(string scope, TimeSpan wait, int code = 0, string message = "You are being rate limited.") : Exception(message)
{
    public string Scope => scope;

    public TimeSpan Wait => wait;

    public int Code => code;

    public static RateLimited SlowMode(TimeSpan wait) => new("user", wait, 20016, "This action cannot be performed due to slowmode rate limit.");
}
