using CozeCluster.Grains.Testing;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Discord.Tests;

/// <summary>All grains and the Discord upstream over real sockets, with the sandbox's Discord as the far side.</summary>
internal sealed class DiscordHouse : IAsyncDisposable
{
    public const string Tenant = "t";

    private readonly List<TestSilo> _crashed = [];
    private readonly SandboxServer _server;
    private readonly TimeProvider _time;
    private readonly List<BotDefinition> _bots = [];
    private TestSilo _silo = null!;
    private int _version;

    private DiscordHouse(SandboxServer server, TimeProvider time)
    {
        _server = server;
        _time = time;
    }

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    public static SeededUser CozeBot => DiscordSeeds.CozeBots[0];

    public FakeDiscord Discord => _server.Discord;

    public IGrainFactory Grains => _silo.Grains;

    public IServiceProvider Services => _silo.Services;

    public DiscordApi Port => Services.GetRequiredService<DiscordApi>();

    public IBotGrain Bot(string id) => Grains.GetGrain<IBotGrain>(id);

    /// <summary>How a listener stands once that is clear.</summary>
    public async Task<DiscordSessionHealth> Health(string listener)
    {
        var session = Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession(listener, 0));
        while (true)
        {
            if (await session.Connect() is { State: "ready" or "failed" } health) return health;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public Task Restart() => _silo.RestartAsync();

    /// <param name="time">The house's clock; the sandbox keeps the machine's.</param>
    /// <param name="limits">Whether the sandbox limits rates as Discord does.</param>
    /// <param name="identifyPace">How far apart the sandbox wants identifies. Default: as near as they come, as a played clock is faster than the sandbox's.</param>
    /// <param name="bots">Default: one, <c>b1</c>.</param>
    public static async Task<DiscordHouse> Start(TimeProvider? time = null, bool limits = false, TimeSpan identifyPace = default, params BotDefinition[] bots)
    {
        var server = await SandboxServer.StartAsync(
            new SandboxOptions { Discord = new DiscordSandboxOptions { RateLimits = limits, IdentifyPace = identifyPace } }, TestContext.Current.CancellationToken);
        var house = new DiscordHouse(server, time ?? TimeProvider.System);
        await house.StartSilo(null);
        await house.Declare(bots.Length > 0 ? bots : [Bot("b1")]);
        return house;
    }

    /// <summary>A bot that is the sandbox's first one, with all accounts and the first listener, which ends replies that hang the test by a time-out.</summary>
    public static BotDefinition Bot(string id, params (string Name, string Value)[] options) => new()
    {
        Id = id,
        Upstream = "discord",
        UpstreamBotId = CozeBot.Id,
        Accounts = [.. Enumerable.Range(1, 6).Select(n => $"a{n}")],
        Timeouts = new TurnTimeouts(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(60)),
        Options = options.Append(("delete_after", "0")).Concat([("listener", "l1")]).DistinctBy(option => option.Item1).ToDictionary(option => option.Item1, option => option.Item2),
    };

    /// <summary>Declares bots, each behind a model of its own name, and a model <c>all</c> in front of all.</summary>
    public async Task Declare(params BotDefinition[] bots)
    {
        _bots.RemoveAll(known => bots.Any(bot => bot.Id == known.Id));
        _bots.AddRange(bots);
        await Import();
    }

    public static TurnRequest Request(string text, string model = "b1", string? conversation = null) => Request([new TextContent(text)], model, conversation);

    public static TurnRequest Request(IReadOnlyList<ContentPart> content, string model = "b1", string? conversation = null) => new()
    {
        TurnId = TurnId.New(Tenant, conversation),
        TenantId = Tenant,
        Model = model,
        ConversationName = conversation,
        Messages = [new ChatMessage(ChatRole.User, content)],
    };

    public async Task<HeardTurn> Begin(TurnRequest request)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var turn = new HeardTurn(request.TurnId, Grains.GetGrain<IConversationGrain>(key));
        await turn.Grain.Begin(request, new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, _silo.Feeds.Open(turn).Address));
        return turn;
    }

    public Task<HeardTurn> Begin(string text, string model = "b1", string? conversation = null) => Begin(Request(text, model, conversation));

    /// <summary>Runs a turn to its end.</summary>
    public async Task<HeardTurn> Run(TurnRequest request)
    {
        var turn = await Begin(request);
        await turn.UntilEnd();
        return turn;
    }

    public Task<HeardTurn> Run(string text, string model = "b1", string? conversation = null) => Run(Request(text, model, conversation));

    /// <summary>Hears a turn from a cursor on, wherever its grain lives now.</summary>
    public async Task<HeardTurn> Listen(HeardTurn turn, Cursor after)
    {
        Assert.True(TurnId.TryGetConversation(turn.Id, out var key));
        var again = new HeardTurn(turn.Id, Grains.GetGrain<IConversationGrain>(key));
        await again.Grain.Subscribe(Tenant, turn.Id, new Subscription(Guid.NewGuid().ToString("n"), after, _silo.Feeds.Open(again).Address));
        return again;
    }

    /// <summary>The channels and threads of the guild that were not there at the start.</summary>
    public IReadOnlyList<SandboxChannel> Made =>
        [.. Discord.ChannelsOf(Guild.Id).Where(channel => channel.Id != Guild.CategoryId && channel.Id != Guild.GeneralId && channel.Id != Guild.FixedId)];

    /// <summary>Waits until nothing of what was made is left.</summary>
    public Task UntilTidy() => Until.True(() => Made.Count == 0, "channels to go");

    /// <summary>What accounts posted, oldest first.</summary>
    public IReadOnlyList<DiscordRecord> Posts =>
        [.. Discord.Records.Of(DiscordRecordKind.MessageCreated).Where(record => DiscordSeeds.Accounts.Any(account => account.Id == record.UserId))];

    /// <summary>The end of the bot's reply, or of as many.</summary>
    public Task<DiscordRecord> Finished(int count = 1) =>
        Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, _ => --count <= 0, cancellationToken: TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(45));

    /// <summary>The node is gone from one moment to the next: nothing of it reaches Discord any more.</summary>
    public void Kill() => Services.GetRequiredService<CuttableDiscord>().Cut();

    /// <summary>Another node starts on a copy of what the dead one had on disk.</summary>
    public async Task StartAgain()
    {
        _crashed.Add(_silo);
        await StartSilo(_silo);
        await Import();
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards; shard++) await Grains.GetGrain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep();
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        foreach (var silo in _crashed) await silo.DisposeAsync();
        await _server.DisposeAsync();
    }

    private async Task StartSilo(TestSilo? crashed)
    {
        _silo = await TestSilo.StartAsync(
            silo => silo.Services.AddSingleton<ISecretSeal, TestSeal>()
                .AddSingleton<CuttableDiscord>()
                .AddSingleton<IDiscordApi>(provider => provider.GetRequiredService<CuttableDiscord>())
                .AddSingleton<IDiscordPosting>(provider => provider.GetRequiredService<CuttableDiscord>())
                .AddDiscord(),
            time: _time, copyOf: crashed);
    }

    private Task Import()
    {
        var seal = new TestSeal();
        var url = new Uri(_server.BaseUrl, "discord/api/v10").ToString();
        var accounts = DiscordSeeds.Accounts.Select((user, n) => new AccountDefinition
        {
            Id = $"a{n + 1}", Upstream = "discord", BaseUrl = url, Token = seal.Seal(user.Token), Options = new Dictionary<string, string> { ["kind"] = "user" },
        });
        var listeners = DiscordSeeds.Listeners.Select((user, n) => new ListenerDefinition { Id = $"l{n + 1}", BaseUrl = url, Token = seal.Seal(user.Token), GuildId = Guild.Id });
        var models = _bots.Select(bot => new ModelDefinition { Id = bot.Id, Bots = [bot.Id] }).Append(new ModelDefinition { Id = "all", Bots = [.. _bots.Select(bot => bot.Id)] });
        var fleet = new Fleet($"{++_version}", [new TenantDefinition { Id = Tenant }], [.. accounts], _bots, [.. models]) { Listeners = [.. listeners] };
        return Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(fleet);
    }
}
