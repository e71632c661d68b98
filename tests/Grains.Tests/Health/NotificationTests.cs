using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Health;

/// <summary>Tests what operators are notified of, and how often.</summary>
public sealed class NotificationTests : GrainTest
{
    private static readonly NotificationsDefinition Webhook = new() { Webhook = new WebhookDefinition(new Secret("url"), null) };

    private IHealthGrain Health => Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);

    [Fact]
    public async Task Change_ToFailingAndBack_NotifiesOnceEach()
    {
        await ConfigureNotifications();
        await Report(HealthState.Failing, "Coze says: internal error.");

        var notification = await Notifier.Next();
        Assert.Equal("Bot b1 has been failing since 2026-01-01 00:00 UTC: Coze says: internal error.", notification.Text);
        Assert.Equal(HealthState.Failing, notification.Entry.State);

        await Report(HealthState.Failing, "Coze says: internal error.");
        await Report(HealthState.Ok);
        Assert.Equal("Bot b1 works again.", (await Notifier.Next()).Text);
        await LetGrainsRun();
        Assert.Equal(2, Notifier.Attempts.Count);
    }

    [Fact]
    public async Task Change_RepeatedWithinAnHour_NotifiesAfterTheHour()
    {
        await ConfigureNotifications();
        await Report(HealthState.Failing);
        await Notifier.Next();
        await Report(HealthState.Ok);
        await Notifier.Next();
        Silo.Time.Advance(TimeSpan.FromMinutes(10));

        await Report(HealthState.Failing);
        await LetGrainsRun();
        Assert.Equal(2, Notifier.Attempts.Count);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromMinutes(1));
        Assert.Equal(HealthState.Failing, (await Notifier.Next()).Entry.State);
        Assert.True(Silo.Time.GetUtcNow() >= new DateTimeOffset(2026, 1, 1, 1, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public async Task Change_AfterARestart_NotifiesOnlyOnce()
    {
        await ConfigureNotifications();
        await Report(HealthState.SetAside);
        await Notifier.Next();

        await Silo.RestartAsync();
        await Report(HealthState.SetAside);
        await LetGrainsRun();

        Assert.Single(Notifier.Attempts);
    }

    [Fact]
    public async Task Cooling_ForALongTime_NotifiesOnlyOfItsBeginning()
    {
        await ConfigureNotifications();
        await Report(HealthState.Cooling, "No credits.", Silo.Time.GetUtcNow().AddSeconds(5));
        await LetGrainsRun();
        Assert.Empty(Notifier.Attempts);

        await Report(HealthState.Cooling, "No credits.", Silo.Time.GetUtcNow().AddHours(9));
        Assert.Equal("Bot b1 is cooling down until 2026-01-01 09:00 UTC: No credits.", (await Notifier.Next()).Text);

        Silo.Time.Advance(TimeSpan.FromHours(9));
        await Report(HealthState.Ok);
        await Report(HealthState.Cooling, "No credits.", Silo.Time.GetUtcNow().AddHours(9));
        Assert.Equal("Bot b1 is cooling down until 2026-01-01 18:00 UTC: No credits.", (await Notifier.Next()).Text);
        Assert.Equal(2, Notifier.Attempts.Count);
    }

    [Fact]
    public async Task Notification_NotAccepted_IsRetried()
    {
        Notifier.Failures = 3;
        await ConfigureNotifications();
        await Report(HealthState.Failing);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromSeconds(5));
        await Notifier.Next();
        Assert.Equal(4, Notifier.Attempts.Count);
    }

    [Fact]
    public async Task Notification_NotConfigured_IsNotSent()
    {
        await Report(HealthState.Failing);
        await LetGrainsRun();

        Assert.Empty(Notifier.Attempts);
    }

    [Fact]
    public async Task Listener_DisconnectedForFiveMinutes_NotifiesOfThatAndOfTheReconnect()
    {
        await ConfigureNotifications();
        await Report(HealthState.Connecting, "The connection broke.", kind: HealthKind.Listener, id: "l1.0");
        await LetGrainsRun();
        Silo.Time.Advance(TimeSpan.FromSeconds(299));
        await LetGrainsRun();
        Assert.Empty(Notifier.Attempts);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromSeconds(1));
        Assert.Equal("Listener l1.0 has been disconnected since 2026-01-01 00:00 UTC: The connection broke.", (await Notifier.Next()).Text);
        await Report(HealthState.Ok, kind: HealthKind.Listener, id: "l1.0");
        Assert.Equal("Listener l1.0 works again.", (await Notifier.Next()).Text);
    }

    [Fact]
    public async Task Listener_ReconnectedWithinFiveMinutes_DoesNotNotify()
    {
        await ConfigureNotifications();
        await Report(HealthState.Connecting, kind: HealthKind.Listener, id: "l1.0");
        Silo.Time.Advance(TimeSpan.FromMinutes(4));
        await Report(HealthState.Ok, kind: HealthKind.Listener, id: "l1.0");
        await LetGrainsRun();
        Silo.Time.Advance(TimeSpan.FromMinutes(4));
        await LetGrainsRun();

        Assert.Empty(Notifier.Attempts);
    }

    private Task ConfigureNotifications() => Catalog.Import(SmallFleet() with { Version = "2", Notifications = Webhook });

    private Task Report(HealthState state, string? reason = null, DateTimeOffset? until = null, HealthKind kind = HealthKind.Bot, string id = "b1") =>
        Health.Report(new HealthEntry(kind, id, state) { Reason = reason, Since = Silo.Time.GetUtcNow(), Until = until });
}
