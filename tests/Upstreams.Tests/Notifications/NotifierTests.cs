using CozeCluster.TestKit;
using CozeCluster.Upstreams.Notifications;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Upstreams.Tests.Notifications;

public sealed class NotifierTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 3, 1, 8, 0, 0, TimeSpan.Zero);

    private static readonly Notification Sample = new(
        new HealthEntry(HealthKind.Account, "main", HealthState.SetAside) { Reason = "Coze says: \"no\"", Code = ErrorCode.UpstreamUnauthorized, Since = At, Until = At.AddMinutes(1) },
        At.AddSeconds(1),
        "Account main is set aside.");

    private readonly TestSeal _seal = new();
    private readonly NotificationHttp _http = new(TimeProvider.System);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Webhook_GetsTheNoticeAsJsonWithItsSecret()
    {
        await using var server = await WireServer.Start("ok");
        var notices = new NotificationsDefinition { Webhook = new(_seal.Seal($"{server.BaseUrl}/hook?key=k1"), _seal.Seal("s3cret")) };
        var notifier = new WebhookNotifier(_http, _seal);

        Assert.True(notifier.IsConfigured(notices));
        await notifier.Send(notices, Sample, Stop);

        var asked = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/hook", "?key=k1", "application/json", "s3cret"), (asked.Method, asked.Path, asked.Query, asked.Headers["content-type"], asked.Headers["x-cozecluster-secret"]));
        Assert.Equal(
            """{"type":"health","text":"Account main is set aside.","kind":"account","id":"main","state":"set_aside","reason":"Coze says: \u0022no\u0022","code":"upstream_unauthorized","since":"2026-03-01T08:00:00Z","until":"2026-03-01T08:01:00Z","at":"2026-03-01T08:00:01Z"}""",
            asked.Text);
    }

    [Fact]
    public async Task Webhook_WithoutSecret_HasNoSuchHeader()
    {
        await using var server = await WireServer.Start("ok");

        await new WebhookNotifier(_http, _seal).Send(new NotificationsDefinition { Webhook = new(_seal.Seal(server.BaseUrl), null) }, Sample, Stop);

        Assert.DoesNotContain("x-cozecluster-secret", Assert.Single(server.Requests).Headers.Keys);
    }

    [Fact]
    public async Task Telegram_IsAskedToSendTheText()
    {
        await using var server = await WireServer.Start("""{"ok":true}""");
        var notices = new NotificationsDefinition { Telegram = new(_seal.Seal("123:abc"), "-1001", server.BaseUrl) };

        await new TelegramNotifier(_http, _seal).Send(notices, Sample, Stop);

        var asked = Assert.Single(server.Requests);
        Assert.Equal("/bot123:abc/sendMessage", asked.Path);
        Assert.Equal("""{"chat_id":"-1001","text":"Account main is set aside.","link_preview_options":{"is_disabled":true}}""", asked.Text);
    }

    [Fact]
    public async Task Refusal_IsToldWithoutSecrets()
    {
        await using var server = await WireServer.Start("""{"ok":false,"error_code":401,"description":"Unauthorized 123:abc"}""", status: 401);

        var telegram = await Refused(new TelegramNotifier(_http, _seal), new() { Telegram = new(_seal.Seal("123:abc"), "1", server.BaseUrl) });
        var webhook = await Refused(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal($"{server.BaseUrl}/k1"), null) });
        var unreached = await Refused(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal("http://127.0.0.1:1/k1"), null) });

        Assert.Equal("Telegram answers with HTTP 401: Unauthorized (token)", telegram.Message);
        Assert.Equal("The webhook answers with HTTP 401.", webhook.Message);
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

        var refused = await Refused(new WebhookNotifier(_http, _seal), new() { Webhook = new(_seal.Seal(server.BaseUrl), _seal.Seal("s3cret")) });

        Assert.Equal("The webhook answers with HTTP 302.", refused.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Silence_EndsAfterAWhile()
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

    private static Task<ClusterException> Refused(INotifier notifier, NotificationsDefinition notices) => Assert.ThrowsAsync<ClusterException>(() => notifier.Send(notices, Sample, Stop));
}
