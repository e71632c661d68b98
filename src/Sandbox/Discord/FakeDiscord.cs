namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// A Discord in memory: REST API v10 (and v9), Discord's gateway v10, attachments, and Coze-hosted bots that answer. It starts with
/// <see cref="DiscordSeeds"/>. The members of this class let tests change it and read its state.
/// </summary>
public sealed partial class FakeDiscord
{
    private volatile string _publicUrl = "http://localhost/discord";

    internal FakeDiscord(SandboxOptions options)
    {
        Options = options.Discord;
        Time = options.Time;
        Seed = options.Seed;
        State = new DiscordState(options.Time);
        Records = new DiscordRecords(options.Time);
        Limiter = new RateLimiter(Options, options.Time);
        Links = new AttachmentLinks(this);
        Json = new MessageJson(Links);
        Messages = new MessageService(this);
        Channels = new ChannelService(this);
        Gateway = new GatewayHub(this);
        CozeBots = new CozeBots(this);
        DiscordSeeds.AddTo(State);
    }

    /// <summary>The record of everything that happened.</summary>
    public DiscordRecords Records { get; }

    /// <summary>Limits and timings.</summary>
    public DiscordSandboxOptions Options { get; }

    internal TimeProvider Time { get; }

    internal int Seed { get; }

    internal DiscordState State { get; }

    internal MessageService Messages { get; }

    internal ChannelService Channels { get; }

    internal MessageJson Json { get; }

    internal AttachmentLinks Links { get; }

    internal GatewayHub Gateway { get; }

    internal RateLimiter Limiter { get; }

    internal CountedQueue<RestFault> Faults { get; } = new();

    internal CozeBots CozeBots { get; }

    /// <summary>The address of the fake Discord, as the last request used it. No trailing slash.</summary>
    internal string PublicUrl => _publicUrl;

    internal string GatewayUrl => $"ws{_publicUrl["http".Length..]}/gateway";

    /// <summary>Returns to the initial state: aborts sockets, stops replies, and removes records, scripts and faults.</summary>
    public void Reset()
    {
        CozeBots.Stop();
        DropSockets();
        lock (State.Gate)
        {
            Gateway.Clear();
            State.Clear();
            Messages.Clear();
            DiscordSeeds.AddTo(State);
        }
        CozeBots.Scripts.Clear();
        Limiter.Clear();
        Faults.Clear();
        Records.Clear();
    }

    /// <summary>Sets directives for the next replies, as in <c>[[…]]</c> of a prompt. The directives of a prompt override them.</summary>
    /// <param name="directives">The directives; <c>docs/sandbox.md</c> lists them.</param>
    /// <param name="times">For how many replies. Null: for all replies until the next reset.</param>
    /// <exception cref="ArgumentException">A directive is invalid; the message names it.</exception>
    public void Script(string directives, int? times = 1)
    {
        try
        {
            CozeBots.Scripts.Add(directives, times);
        }
        catch (DirectiveException error)
        {
            throw new ArgumentException(error.Message, nameof(directives));
        }
    }

    /// <summary>Whether requests are limited per bucket and globally. The options set the initial value and the value after a reset.</summary>
    public bool RateLimits
    {
        get => Limiter.IsOn;
        set => Limiter.IsOn = value;
    }

    /// <summary>Injects a fault into the next matching REST requests.</summary>
    public void Fail(RestFault fault) => Faults.Add(fault, fault.Times);

    /// <summary>Stops the replies of the bots. Sockets end when the server stops.</summary>
    internal void Stop() => CozeBots.Stop();

    /// <summary>Learns from a request how clients address the server, for the links and addresses of Discord's gateway in responses.</summary>
    internal void LearnPublicUrl(HttpRequest request)
    {
        var path = request.Path.Value ?? "";
        var root = path.IndexOf("/discord/", StringComparison.Ordinal) is >= 0 and var index ? path[..index] + "/discord" : "";
        _publicUrl = $"{request.Scheme}://{request.Host}{request.PathBase}{root}";
    }
}
