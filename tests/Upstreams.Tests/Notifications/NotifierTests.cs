using CozeCluster.TestKit;
using CozeCluster.Upstreams.Notifications;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Upstreams.Tests.Notifications;

public sealed class NotifierTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);

    private static readonly Notification Sample = new(
        new HealthEntry(HealthKind.Account, "main", HealthState.SetAside)
        {
            Reason = "Coze says: \"no\"",
            Code = ErrorCode.UpstreamUnauthorized,
            Since = At,
            Until = At.AddMinutes(1),
        },
        At.AddSeconds(1),
        "Account main is disabled.");

    private readonly TestSeal _seal = new();
    private readonly NotificationHttp _http = new(TimeProvider.System);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Webhook_ReceivesJsonAndItsSecret()
    {
        await using var server = await WireServer.Start("ok");
        var definition = new NotificationsDefinition { Webhook = new(_seal.Seal($"{server.BaseUrl}/hook?key=k1"), _seal.Seal("s3cret")) };
        var notifier = new WebhookNotifier(_http, _seal);

        Assert.True(notifier.IsConfigured(definition));
        await notifier.Send(definition, Sample, Stop);

        var request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/hook", "?key=k1"), (request.Method, request.Path, request.Query));
        Assert.Equal(("application/json", "s3cret"), (request.Headers["content-type"], request.Headers["x-cozecluster-secret"]));
        Assert.Equal(
            """{"type":"health","text":"Account main is disabled.","kind":"account","id":"main","state":"set_aside","reason":"Coze says: """
            + """\u0022no\u0022","code":"upstream_unauthorized","since":"2026-03-01T08:00:00Z","until":"2026-03-01T08:01:00Z","at":"2026-03-01T08:00:01Z"}""",
            request.Text);
    }

    [Fact]
    public async Task Webhook_WithoutSecret_HasNoSecretHeader()
    {
        await using var server = await WireServer.Start("ok");

        await new WebhookNotifier(_http, _seal).Send(new NotificationsDefinition { Webhook = new(_seal.Seal(server.BaseUrl), null) }, Sample, Stop);

        Assert.DoesNotContain("x-cozecluster-secret", Assert.Single(server.Requests).Headers.Keys);
    }

    [Fact]
    public async Task Telegram_ReceivesTheText()
    {
        await using var server = await WireServer.Start("""{"ok":true}""");
        var definition = new NotificationsDefinition { Telegram = new(_seal.Seal("123:abc"), "-1001", server.BaseUrl) };

        await new TelegramNotifier(_http, _seal).Send(definition, Sample, Stop);

        var request = Assert.Single(server.Requests);
        Assert.Equal("/bot123:abc/sendMessage", request.Path);
        Assert.Equal("""{"chat_id":"-1001","text":"Account main is disabled.","link_preview_options":{"is_disabled":true}}""", request.Text);
    }

    [Fact]
    public async Task Refusal_IsReportedWithoutSecrets()
    {
        await using var server = await WireServer.Start("""{"ok":false,"error_code":401,"description":"Unauthorized 123:abc"}""", status: 401);

        var telegram = await SendThrows(new TelegramNotifier(_http, _seal), new() { Telegram = new(_seal.Seal("123:abc"), "1", server.BaseUrl) });
        var webhook = await SendThrows(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal($"{server.BaseUrl}/k1"), null) });
        var unreached = await SendThrows(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal("http://127.0.0.1:1/k1"), null) });

        Assert.Equal("Telegram answered with HTTP 401: Unauthorized (token)", telegram.Message);
        Assert.Equal("The webhook answered with HTTP 401.", webhook.Message);
        Assert.Equal("The webhook could not be reached (ConnectionError).", unreached.Message);
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        await using var server = await WireServer.Start((context, _) =>
        {
            context.Response.Redirect("/elsewhere");
            return Task.CompletedTask;
        });

        var refused = await SendThrows(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal(server.BaseUrl), _seal.Seal("s3cret")) });

        Assert.Equal("The webhook answered with HTTP 302.", refused.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Silence_TimesOut()
    {
        var time = new ManualTime();
        using var http = new NotificationHttp(time);
        await using var server = await WireServer.Start((context, _) => Task.Delay(-1, context.RequestAborted));

        var sending = new WebhookNotifier(http, _seal).Send(new NotificationsDefinition { Webhook = new(_seal.Seal(server.BaseUrl), null) }, Sample, Stop);
        time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(ErrorCode.UpstreamTimeout, (await Assert.ThrowsAsync<ClusterException>(() => sending)).Code);
    }

    [Fact]
    public async Task AddNotifiers_AddsBothOnce()
    {
        var services = new ServiceCollection();
        services.AddSingleton<ISecretSeal, TestSeal>();
        services.AddNotifiers().AddNotifiers().AddSafeFetcher();
        await using var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });

        Assert.Equal(["webhook", "telegram"], provider.GetServices<INotifier>().Select(notifier => notifier.Name));
        Assert.NotNull(provider.GetService<ISafeFetcher>());
    }

    private static Task<ClusterException> SendThrows(INotifier notifier, NotificationsDefinition definition) =>
        Assert.ThrowsAsync<ClusterException>(() => notifier.Send(definition, Sample, Stop));
}
