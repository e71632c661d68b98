namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// A Discord in memory: REST API v10 (and v9), gateway v10, attachments, and Coze-hosted bots that answer. It starts with
/// <see cref="DiscordSeeds"/>; this class is what a test does to it and sees of it.
/// </summary>
public sealed partial class FakeDiscord
{
    private volatile string _publicUrl = "http://localhost/discord";

    internal FakeDiscord(SandboxOptions options)
    {
        Options = options.Discord;
        Time = options.Time;
        Seed = options.Seed;
        World = new World(options.Time);
        Records = new DiscordRecords(options.Time);
        Limiter = new RateLimiter(Options, options.Time);
        Links = new AttachmentLinks(this);
        Json = new MessageJson(Links);
        Messages = new WorldMessages(this);
        Channels = new WorldChannels(this);
        Gateway = new GatewayHub(this);
        CozeBots = new CozeBots(this);
        DiscordSeeds.Plant(World);
    }

    /// <summary>What happened, and a way to wait for it.</summary>
    public DiscordRecords Records { get; }

    /// <summary>How strict it is.</summary>
    public DiscordSandboxOptions Options { get; }

    internal TimeProvider Time { get; }

    internal int Seed { get; }

    internal World World { get; }

    internal WorldMessages Messages { get; }

    internal WorldChannels Channels { get; }

    internal MessageJson Json { get; }

    internal AttachmentLinks Links { get; }

    internal GatewayHub Gateway { get; }

    internal RateLimiter Limiter { get; }

    internal RestFaults Faults { get; } = new();

    internal CozeBots CozeBots { get; }

    /// <summary>Where clients reach it, learnt from their requests; no slash at the end.</summary>
    internal string PublicUrl => _publicUrl;

    internal string GatewayUrl => $"ws{_publicUrl["http".Length..]}/gateway";

    /// <summary>Puts everything back as it was at the start: sockets are cut, replies stopped, records and scripts forgotten.</summary>
    public void Reset()
    {
        CozeBots.Stop();
        DropSockets();
        lock (World.Gate)
        {
            Gateway.Clear();
            World.Clear();
            Messages.Clear();
            DiscordSeeds.Plant(World);
        }
        CozeBots.Scripts.Clear();
        Limiter.Clear();
        Faults.Clear();
        Records.Clear();
    }

    /// <summary>Scripts the next replies with directives, as between <c>[[</c> and <c>]]</c> in a prompt; the prompt's own are laid over them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many replies; null is until the next reset.</param>
    /// <exception cref="ArgumentException">A directive cannot be followed; the message names it.</exception>
    public void Script(string directives, int? times = 1)
    {
        try
        {
            CozeBots.Scripts.Add(directives, times);
        }
        catch (FormatException fault)
        {
            throw new ArgumentException(fault.Message, nameof(directives));
        }
    }

    /// <summary>Whether requests are limited per bucket and globally; starts, and is reset, as the options say.</summary>
    public bool RateLimits
    {
        get => Limiter.IsOn;
        set => Limiter.IsOn = value;
    }

    /// <summary>Lets something go wrong with the next fitting REST requests.</summary>
    public void Fail(RestFault fault) => Faults.Add(fault);

    /// <summary>Stops what runs by itself; sockets end with the server.</summary>
    internal void Stop() => CozeBots.Stop();

    internal void SeenAt(HttpRequest request)
    {
        var path = request.Path.Value ?? "";
        var root = path.IndexOf("/discord/", StringComparison.Ordinal) is >= 0 and var at ? path[..at] + "/discord" : "";
        _publicUrl = $"{request.Scheme}://{request.Host}{request.PathBase}{root}";
    }
}
