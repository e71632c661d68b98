using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Discord;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Discord.Tests;

/// <summary>The sandbox's Discord, with clients.</summary>
internal sealed class SandboxRig : IAsyncDisposable
{
    private readonly SandboxServer _server;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http = new(UpstreamHandlers.New(proxy: null));
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));
    private readonly CancellationTokenSource _stop = new();
    private readonly List<DiscordRest> _rests = [];
    private readonly List<Task> _running = [];

    private SandboxRig(SandboxServer server, TimeProvider time)
    {
        (_server, _time) = (server, time);
        Guard = new InvalidRequestGuard(time);
    }

    public static Snowflake Guild { get; } = Snowflake.Parse(DiscordSeeds.Guilds[0].Id);

    public static Snowflake General { get; } = Snowflake.Parse(DiscordSeeds.Guilds[0].GeneralId);

    public static Snowflake Fixed { get; } = Snowflake.Parse(DiscordSeeds.Guilds[0].FixedId);

    public static Snowflake CozeBot { get; } = Snowflake.Parse(DiscordSeeds.CozeBots[0].Id);

    public FakeDiscord Discord => _server.Discord;

    public InvalidRequestGuard Guard { get; }

    public LogLines Log { get; } = new();

    /// <summary>Ends a test that hangs.</summary>
    public CancellationToken Timeout => _timeout.Token;

    public static async Task<SandboxRig> Start(DiscordSandboxOptions? options = null, TimeProvider? time = null)
    {
        var clock = time ?? TimeProvider.System;
        return new SandboxRig(
            await SandboxServer.StartAsync(new SandboxOptions { Discord = options ?? new(), Time = clock }, TestContext.Current.CancellationToken), clock);
    }

    /// <summary>Creates a client with the token of a listener (a bot) or of an account (a person).</summary>
    public DiscordRest Rest(SeededUser user, Func<DiscordRestOptions, DiscordRestOptions>? change = null)
    {
        var kind = DiscordSeeds.Listeners.Contains(user) ? DiscordTokenKind.Bot : DiscordTokenKind.User;
        var options = new DiscordRestOptions(user.Name, user.Token, kind) { BaseUrl = new Uri(_server.BaseUrl, "discord/api/v10").ToString() };
        var rest = new DiscordRest(_http, change?.Invoke(options) ?? options, Guard, _time, Log);
        _rests.Add(rest);
        return rest;
    }

    /// <summary>Starts a gateway connection of a listener.</summary>
    public DiscordGateway Connect(SeededUser user, Func<DiscordGatewayOptions, DiscordGatewayOptions>? change = null)
    {
        var options = new DiscordGatewayOptions(user.Name, user.Token) { FirstPause = TimeSpan.FromMilliseconds(100) };
        var gateway = new DiscordGateway(
            change?.Invoke(options) ?? options, Rest(user).GetGatewayBot, _ => ValueTask.CompletedTask, new IdentifyPacing(_time), _time, Log);
        _running.Add(Task.Run(() => gateway.Run(_stop.Token)));
        return gateway;
    }

    /// <summary>Reads the next event of a type that meets a condition. Other events before it are dropped.</summary>
    public async Task<T> Next<T>(DiscordGateway gateway, Func<T, bool>? condition = null)
        where T : DiscordGatewayEvent
    {
        while (true)
        {
            if (await gateway.Events.ReadAsync(Timeout) is T e && condition?.Invoke(e) != false) return e;
        }
    }

    public async Task<DiscordGatewayState> NextState(DiscordGateway gateway, DiscordGatewayPhase phase) =>
        (await Next<DiscordGatewayStateChanged>(gateway, e => e.State.Phase == phase)).State;

    /// <summary>Posts a prompt to the first Coze-hosted bot.</summary>
    public Task<DiscordMessage> Prompt(DiscordRest account, string text, Snowflake? channel = null) => account.CreateMessage(
        channel ?? General, new NewMessage { Content = $"{text} <@{CozeBot}>", AllowedMentions = AllowedMentions.Only(CozeBot) }, null, Timeout);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running).ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var rest in _rests) rest.Dispose();
        _http.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
        _timeout.Dispose();
    }
}
