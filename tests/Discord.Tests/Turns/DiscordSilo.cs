using CozeCluster.Grains.Testing;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Discord.Tests;

/// <summary>A silo with all grains and the Discord upstream, connected over real sockets to the sandbox's Discord.</summary>
internal sealed class DiscordSilo : IAsyncDisposable
{
    public const string Tenant = "t";

    private readonly List<(TestSilo Silo, string Directory)> _killed = [];
    private readonly SandboxServer _server;
    private readonly TimeProvider _time;
    private readonly List<BotDefinition> _bots = [];
    private TestSilo _silo = null!;
    private int _version;

    private DiscordSilo(SandboxServer server, TimeProvider time)
    {
        _server = server;
        _time = time;
    }

    public static SeededGuild Guild => DiscordSeeds.Guilds[0];

    public static SeededUser CozeBot => DiscordSeeds.CozeBots[0];

    public FakeDiscord Discord => _server.Discord;

    public IGrainFactory Grains => _silo.Grains;

    public IFleetView Fleet => _silo.Fleet;

    public IServiceProvider Services => _silo.Services;

    public DiscordApi Api => Services.GetRequiredService<DiscordApi>();

    /// <summary>The channels and threads of the server that did not exist at the start.</summary>
    public IReadOnlyList<SandboxChannel> CreatedChannels
    {
        get
        {
            string[] seeded = [Guild.CategoryId, Guild.GeneralId, Guild.FixedId];
            return [.. Discord.ChannelsOf(Guild.Id).Where(channel => !seeded.Contains(channel.Id))];
        }
    }

    /// <summary>The messages that accounts posted, oldest first.</summary>
    public IReadOnlyList<DiscordRecord> Posts =>
        [.. Discord.Records.Of(DiscordRecordKind.MessageCreated).Where(record => DiscordSeeds.Accounts.Any(account => account.Id == record.UserId))];

    /// <param name="time">The silo's clock; the sandbox uses the machine's clock.</param>
    /// <param name="limits">Whether the sandbox limits rates as Discord does.</param>
    /// <param name="identifyPace">
    /// The distance that the sandbox requires between identifies. Default: none, because a manual clock may be faster than the sandbox's.
    /// </param>
    /// <param name="bots">Default: one, <c>b1</c>.</param>
    public static async Task<DiscordSilo> Start(TimeProvider? time = null, bool limits = false, TimeSpan identifyPace = default, params BotDefinition[] bots)
    {
        var options = new DiscordSandboxOptions { RateLimits = limits, IdentifyPace = identifyPace };
        var server = await SandboxServer.StartAsync(new SandboxOptions { Discord = options }, TestContext.Current.CancellationToken);
        var silo = new DiscordSilo(server, time ?? TimeProvider.System);
        await silo.StartSilo(null);
        await silo.Declare(bots.Length > 0 ? bots : [Bot("b1")]);
        return silo;
    }

    /// <summary>
    /// A bot that is the sandbox's first one, with all accounts and the first listener. Its timeouts end a reply that would make the test hang.
    /// </summary>
    public static BotDefinition Bot(string id, params (string Name, string Value)[] options) => new()
    {
        Id = id,
        Upstream = "discord",
        UpstreamBotId = CozeBot.Id,
        Accounts = [.. Enumerable.Range(1, 6).Select(n => $"a{n}")],
        Timeouts = new TurnTimeouts(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(60)),
        Options = options.Concat([("delete_after", "0"), ("listener", "l1")])
            .DistinctBy(option => option.Item1)
            .ToDictionary(option => option.Item1, option => option.Item2),
    };

    public static TurnRequest Request(string text, string model = "b1", string? conversation = null) => Request([new TextContent(text)], model, conversation);

    public static TurnRequest Request(IReadOnlyList<ContentPart> content, string model = "b1", string? conversation = null) => new()
    {
        TurnId = TestIds.Ids.NewTurn(Tenant, conversation),
        TenantId = Tenant,
        Model = model,
        ConversationName = conversation,
        Messages = [new ChatMessage(ChatRole.User, content)],
    };

    /// <summary>Declares bots, each with a model of the same name, and a model <c>all</c> with all of them.</summary>
    public async Task Declare(params BotDefinition[] bots)
    {
        _bots.RemoveAll(known => bots.Any(bot => bot.Id == known.Id));
        _bots.AddRange(bots);
        await Import();
    }

    public IBotGrain BotGrain(string id) => Grains.GetGrain<IBotGrain>(id);

    public ListenerDefinition Listener() => Fleet.FindListener("l1")!;

    /// <summary>Waits until a listener is ready or has failed.</summary>
    public async Task<DiscordSessionHealth> WaitForListener(string listener)
    {
        var session = Grains.GetGrain<IDiscordSessionGrain>(GrainKeys.DiscordSession(listener, 0));
        while (true)
        {
            if (await session.Connect() is { State: "ready" or "failed" } health) return health;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public async Task<ObservedTurn> Begin(TurnRequest request)
    {
        var turn = new ObservedTurn(request.TurnId, Conversation(request.TurnId));
        await turn.Grain.Begin(request, new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, _silo.Feeds.Open(turn).Address));
        return turn;
    }

    public Task<ObservedTurn> Begin(string text, string model = "b1", string? conversation = null) => Begin(Request(text, model, conversation));

    /// <summary>Runs a turn until it has completed or failed.</summary>
    public async Task<ObservedTurn> Run(TurnRequest request)
    {
        var turn = await Begin(request);
        await turn.UntilEnd();
        return turn;
    }

    public Task<ObservedTurn> Run(string text, string model = "b1", string? conversation = null) => Run(Request(text, model, conversation));

    /// <summary>Subscribes to a turn again, from a cursor on.</summary>
    public async Task<ObservedTurn> Subscribe(ObservedTurn turn, Cursor after)
    {
        var again = new ObservedTurn(turn.Id, Conversation(turn.Id));
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), after, _silo.Feeds.Open(again).Address);
        await again.Grain.Subscribe(Tenant, turn.Id, subscription);
        return again;
    }

    /// <summary>Waits until all created channels are deleted.</summary>
    public Task UntilChannelsDeleted() => Until.True(() => CreatedChannels.Count == 0, "the deletion of all created channels");

    /// <summary>Waits until the bot has finished a reply, or as many as given.</summary>
    public async Task<DiscordRecord> Finished(int count = 1)
    {
        var stop = TestContext.Current.CancellationToken;
        var finished = Discord.Records.WaitAsync(DiscordRecordKind.ReplyFinished, _ => --count <= 0, cancellationToken: stop);
        return await finished.WaitAsync(TimeSpan.FromSeconds(45));
    }

    public Task Restart() => _silo.RestartAsync();

    /// <summary>
    /// Disconnects the node from Discord, and keeps what it has stored until now, as if it had failed. It still runs, but nothing that it does or stores from
    /// now on has an effect.
    /// </summary>
    public void Kill()
    {
        Services.GetRequiredService<DisconnectableDiscord>().Disconnect();
        var directory = Directory.CreateTempSubdirectory("silo-").FullName;
        foreach (var file in Directory.GetFiles(_silo.Directory, "*.db*")) File.Copy(file, Path.Combine(directory, Path.GetFileName(file)));
        _killed.Add((_silo, directory));
    }

    /// <summary>Starts another node on what the killed node had stored.</summary>
    public async Task StartAgain()
    {
        await StartSilo(_killed[^1].Directory);
        await Import();
        await Grains.GetGrain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery).Sweep(TimeSpan.Zero);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        foreach (var (silo, directory) in _killed)
        {
            if (silo != _silo) await silo.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
        await _server.DisposeAsync();
    }

    private IConversationGrain Conversation(string turnId)
    {
        Assert.True(TurnId.TryGetConversation(turnId, out var key));
        return Grains.GetGrain<IConversationGrain>(key);
    }

    private async Task StartSilo(string? directory)
    {
        _silo = await TestSilo.StartAsync(
            silo =>
            {
                TestIds.AddTo(silo.Services);
                silo.Services.AddSingleton<ISecretSeal, TestSeal>()
                    .AddSingleton<DisconnectableDiscord>()
                    .AddSingleton<IDiscordApi>(provider => provider.GetRequiredService<DisconnectableDiscord>())
                    .AddSingleton<IDiscordPosting>(provider => provider.GetRequiredService<DisconnectableDiscord>())
                    .AddDiscord();
            },
            time: _time,
            directory: directory);
    }

    private Task Import()
    {
        var seal = new TestSeal();
        var url = new Uri(_server.BaseUrl, "discord/api/v10").ToString();
        var accounts = DiscordSeeds.Accounts.Select((user, n) => new AccountDefinition
        {
            Id = $"a{n + 1}",
            Upstream = "discord",
            BaseUrl = url,
            Token = seal.Seal(user.Token),
            Options = new Dictionary<string, string> { ["kind"] = "user" },
        });
        var listeners = DiscordSeeds.Listeners.Select((user, n) => new ListenerDefinition
        {
            Id = $"l{n + 1}",
            BaseUrl = url,
            Token = seal.Seal(user.Token),
            GuildId = Guild.Id,
        });
        var models = _bots.Select(bot => new ModelDefinition { Id = bot.Id, Bots = [bot.Id] })
            .Append(new ModelDefinition { Id = "all", Bots = [.. _bots.Select(bot => bot.Id)] });
        var fleet = new Fleet($"{++_version}", [new TenantDefinition { Id = Tenant }], [.. accounts], _bots, [.. models]) { Listeners = [.. listeners] };
        return Grains.GetGrain<ICatalogGrain>(GrainKeys.Catalog).Import(fleet);
    }
}
