using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Health;

/// <summary>What operators are told, and how often.</summary>
public sealed class NotificationTests : HouseTest
{
    private static readonly NotificationsDefinition Webhook = new() { Webhook = new WebhookDefinition(new Secret("url"), null) };

    private IHealthGrain Health => House.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);

    [Fact]
    public async Task Change_ToBadAndBack_IsToldOnceEach()
    {
        await WantNotifications();
        await Note(HealthState.Failing, "Coze says: internal error.");

        var notice = await Notifier.Next();
        Assert.Equal("Bot b1 is failing since 2026-01-01 00:00 UTC: Coze says: internal error.", notice.Text);
        Assert.Equal(HealthState.Failing, notice.Entry.State);

        await Note(HealthState.Failing, "Coze says: internal error.");
        await Note(HealthState.Ok);
        Assert.Equal("Bot b1 works again.", (await Notifier.Next()).Text);
        await Settle();
        Assert.Equal(2, Notifier.Tries.Count);
    }

    [Fact]
    public async Task Change_BackAndForthWithinAnHour_IsToldAgainOnlyWhenTheHourIsOver()
    {
        await WantNotifications();
        await Note(HealthState.Failing);
        await Notifier.Next();
        await Note(HealthState.Ok);
        await Notifier.Next();
        House.Time.Advance(TimeSpan.FromMinutes(10));

        await Note(HealthState.Failing);
        await Settle();
        Assert.Equal(2, Notifier.Tries.Count);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromMinutes(1));
        Assert.Equal(HealthState.Failing, (await Notifier.Next()).Entry.State);
        Assert.True(House.Time.GetUtcNow() >= new DateTimeOffset(2026, 1, 1, 1, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public async Task Change_AfterARestart_IsNotToldTwice()
    {
        await WantNotifications();
        await Note(HealthState.SetAside);
        await Notifier.Next();

        await House.RestartAsync();
        await Note(HealthState.SetAside);
        await Settle();

        Assert.Single(Notifier.Tries);
    }

    [Fact]
    public async Task Cooling_ForLong_IsTold_AndPassesSilently()
    {
        await WantNotifications();
        await Note(HealthState.Cooling, "No credits.", House.Time.GetUtcNow().AddSeconds(5));
        await Settle();
        Assert.Empty(Notifier.Tries);

        await Note(HealthState.Cooling, "No credits.", House.Time.GetUtcNow().AddHours(9));
        Assert.Equal("Bot b1 rests until 2026-01-01 09:00 UTC: No credits.", (await Notifier.Next()).Text);

        House.Time.Advance(TimeSpan.FromHours(9));
        await Note(HealthState.Ok);
        await Note(HealthState.Cooling, "No credits.", House.Time.GetUtcNow().AddHours(9));
        Assert.Equal("Bot b1 rests until 2026-01-01 18:00 UTC: No credits.", (await Notifier.Next()).Text);
        Assert.Equal(2, Notifier.Tries.Count);
    }

    [Fact]
    public async Task Notice_NotTaken_IsTriedAgainAFewTimes()
    {
        Notifier.Failures = 3;
        await WantNotifications();
        await Note(HealthState.Failing);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromSeconds(5));
        await Notifier.Next();
        Assert.Equal(4, Notifier.Tries.Count);
    }

    [Fact]
    public async Task Notice_NotWanted_IsNotSent()
    {
        await Note(HealthState.Failing);
        await Settle();

        Assert.Empty(Notifier.Tries);
    }

    [Fact]
    public async Task Listener_WithoutConnectionForFiveMinutes_IsTold_AndThatItIsBack()
    {
        await WantNotifications();
        await Note(HealthState.Connecting, "The connection broke.", kind: HealthKind.Listener, id: "l1.0");
        await Settle();
        House.Time.Advance(TimeSpan.FromSeconds(299));
        await Settle();
        Assert.Empty(Notifier.Tries);

        await PassUntil(() => Notifier.Waiting > 0, TimeSpan.FromSeconds(1));
        Assert.Equal("Listener l1.0 is not connected since 2026-01-01 00:00 UTC: The connection broke.", (await Notifier.Next()).Text);
        await Note(HealthState.Ok, kind: HealthKind.Listener, id: "l1.0");
        Assert.Equal("Listener l1.0 works again.", (await Notifier.Next()).Text);
    }

    [Fact]
    public async Task Listener_BackWithinFiveMinutes_IsNotTold()
    {
        await WantNotifications();
        await Note(HealthState.Connecting, kind: HealthKind.Listener, id: "l1.0");
        House.Time.Advance(TimeSpan.FromMinutes(4));
        await Note(HealthState.Ok, kind: HealthKind.Listener, id: "l1.0");
        await Settle();
        House.Time.Advance(TimeSpan.FromMinutes(4));
        await Settle();

        Assert.Empty(Notifier.Tries);
    }

    private Task WantNotifications() => Catalog.Import(SmallFleet() with { Version = "2", Notifications = Webhook });

    private Task Note(HealthState state, string? reason = null, DateTimeOffset? until = null, HealthKind kind = HealthKind.Bot, string id = "b1") =>
        Health.Note(new HealthEntry(kind, id, state) { Reason = reason, Since = House.Time.GetUtcNow(), Until = until });
}
