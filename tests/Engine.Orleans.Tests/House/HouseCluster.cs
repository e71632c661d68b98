using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Gateway;
using CozeCluster.Grains;
using CozeCluster.Messages;
using CozeCluster.Sandbox;
using CozeCluster.Upstreams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>The whole house on a cluster: silos with all grains and upstreams, a gateway that is a client only, and the fake Coze behind it all.</summary>
public sealed class HouseCluster : IAsyncDisposable
{
    private const string Key = "key-of-main-tenant";
    private static readonly ConversationOptions Conversations = new();

    private readonly WebApplication _gateway;

    private HouseCluster(SandboxServer sandbox, TestCluster cluster, WebApplication gateway)
    {
        (Sandbox, Cluster, _gateway) = (sandbox, cluster, gateway);
        Http = new HttpClient { BaseAddress = new Uri(gateway.Urls.First()), Timeout = TimeSpan.FromMinutes(1) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public SandboxServer Sandbox { get; }

    public TestCluster Cluster { get; }

    /// <summary>A client of the gateway.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Gateway => _gateway.Services;

    public static async Task<HouseCluster> StartAsync(int silos)
    {
        var definitions = AllGrains.Definitions(Conversations);
        var sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var cluster = await TestCluster.StartAsync(silos, definitions, AddHouse);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        AddHouse(builder.Services);
        builder.Services.AddOrleansGateway(definitions, cluster.Configure);
        builder.Services.AddSafeFetcher(allowThisMachine: true);
        builder.Services.AddGateway();
        var gateway = builder.Build();
        gateway.MapGateway();
        await gateway.StartAsync();
        var house = new HouseCluster(sandbox, cluster, gateway);
        await cluster.Grains.Get<ICatalogGrain>(GrainKeys.Catalog).Import(FleetOver(sandbox.BaseUrl));
        return house;
    }

    /// <summary>Asks for a reply to be streamed.</summary>
    public async Task<HttpResponseMessage> StreamAsync(string prompt, string? conversation = null)
    {
        var named = conversation is null ? "" : $""","conversation_id":"{conversation}" """;
        var body = $$"""{"model":"m","stream":true,"messages":[{"role":"user","content":"{{prompt}}"}]{{named}}}""";
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        using (var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(1))) await _gateway.StopAsync(atOnce.Token);
        await _gateway.DisposeAsync();
        await Cluster.DisposeAsync();
        await Sandbox.DisposeAsync();
    }

    private static void AddHouse(IServiceCollection services)
    {
        services.AddSingleton<ISecretSeal, ReadableSeal>();
        services.AddSingleton(Conversations).AddSingleton<UnsavedTurns>();
        services.AddCozeUpstream().AddDiscordUpstream();
        services.AddNotifiers();
    }

    private static Fleet FleetOver(Uri sandbox) => new(
        "1",
        [new TenantDefinition { Id = "main", Keys = [new ApiKeyDefinition("app", GrainKeys.ApiKeyHash(Key), Admin: false)] }],
        [new AccountDefinition { Id = "a", Upstream = "coze", BaseUrl = new Uri(sandbox, "coze").ToString(), Token = new ReadableSeal().Seal("pat_sandbox") }],
        [new BotDefinition { Id = "b", Upstream = "coze", UpstreamBotId = "7350000000000000001", Accounts = ["a"] }],
        [new ModelDefinition { Id = "m", Bots = ["b"] }]);

    private sealed class ReadableSeal : ISecretSeal
    {
        public Secret Seal(string plain) => new(Convert.ToBase64String(Encoding.UTF8.GetBytes(plain)));

        public string Open(Secret secret) => Encoding.UTF8.GetString(Convert.FromBase64String(secret.Sealed));
    }
}
