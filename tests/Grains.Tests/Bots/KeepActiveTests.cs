using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>Tests keep-active messages, with and without other use of the bot.</summary>
public sealed class KeepActiveTests : GrainTest
{
    private const string Bot = "single";

    [Fact]
    public async Task Interval_BotIsNotUsed_SendsOneMessageAndReadsTheReply()
    {
        await KeepActive(new("Are you there?") { Every = TimeSpan.FromHours(6) });

        await PassWithoutMessage(TimeSpan.FromHours(5.99));
        await Pass(TimeSpan.FromHours(0.01));
        var exchange = await Upstream.NextOpened();
        Assert.Equal("Are you there?", Assert.Single(exchange.Turn.Messages).Text);
        Assert.Equal(Bot, exchange.Turn.Bot.Id);
        exchange.Identify().Say("Yes.").Complete();

        var entry = await Entry(entry => entry.KeepActive is not null);
        Assert.Equal((HealthState.Ok, (string?)null), (entry.State, entry.KeepActive!.Error));
        await PassWithoutMessage(TimeSpan.FromHours(5.99));
        await Pass(TimeSpan.FromHours(0.01));
        await Upstream.NextOpened();
    }

    [Fact]
    public async Task Interval_BotIsUsed_StartsAgain()
    {
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(6) });
        await PassWithoutMessage(TimeSpan.FromHours(4));
        await Complete(Request(model: Bot), "yes");

        await PassWithoutMessage(TimeSpan.FromHours(5));
        await Pass(TimeSpan.FromHours(1));
        await Upstream.NextOpened();
    }

    [Fact]
    public async Task TimeOfDay_BotWasUsed_SendsNothing()
    {
        await KeepActive(new("Hi") { At = new TimeSpan(9, 10, 0) });
        await Complete(Request(model: Bot), "yes");

        await PassWithoutMessage(TimeSpan.FromHours(10));
        await PassWithoutMessage(TimeSpan.FromHours(23));
        await Pass(TimeSpan.FromMinutes(11));
        await Upstream.NextOpened();
    }

    [Fact]
    public async Task Message_AccountIsRefused_IsSentWithAnother()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "No."));
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(1) });

        await Pass(TimeSpan.FromHours(1));
        (await Upstream.NextOpened()).Identify().Say("Yes.").Complete();

        Assert.Equal(HealthState.Ok, (await Entry(entry => entry.KeepActive is not null)).State);
        Assert.Equal(2, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Message_NotAnswered_ChangesTheBotsHealth()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamNotFound, "Coze says: no such bot."));
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(1) });

        await Pass(TimeSpan.FromHours(1));

        var entry = await Entry(entry => entry.State == HealthState.Failing);
        Assert.Equal("The bot did not answer the keep-active message: Coze says: no such bot.", entry.Reason);
        Assert.Equal("Coze says: no such bot.", entry.KeepActive!.Error);
    }

    [Fact]
    public async Task Message_WithoutAReply_EndsByTheBotsTimeouts()
    {
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(1) }, "impatient");

        await Pass(TimeSpan.FromHours(1));
        (await Upstream.NextOpened()).Identify();
        await PassUntil(() => Upstream.CancelledCount > 0);

        Assert.Equal("impatient", (await Upstream.NextCancelled()).BotId);
    }

    [Fact]
    public async Task Due_WhileTheNodeWasStopped_SendsOneMessageLater()
    {
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(6) });
        await Silo.StopAsync();
        Silo.Time.Advance(TimeSpan.FromHours(100));
        await Silo.StartAsync();
        // As at the start of a node.
        await Silo.Grains.GetGrain<IBotGrain>(Bot).KeepActive();
        await Silo.SettleRemindersAsync();
        Silo.Time.Advance(TimeSpan.FromSeconds(1));

        (await Upstream.NextOpened()).Identify().Say("Yes.").Complete();
        await Entry(entry => entry.KeepActive is not null);
        await PassWithoutMessage(TimeSpan.FromHours(5.99));
    }

    [Fact]
    public async Task Definition_Removed_SendsNothing()
    {
        await KeepActive(new("Hi") { Every = TimeSpan.FromHours(1) });
        await Catalog.Import(SmallFleet() with { Version = "3" });

        await PassWithoutMessage(TimeSpan.FromHours(5));
    }

    private async Task KeepActive(KeepActiveDefinition definition, string bot = Bot)
    {
        var fleet = SmallFleet();
        await Catalog.Import(fleet with { Version = "2", Bots = [.. fleet.Bots.Select(one => one.Id == bot ? one with { KeepActive = definition } : one)] });
        // The catalog does this as well, but in the background.
        await Silo.Grains.GetGrain<IBotGrain>(bot).KeepActive();
    }

    /// <summary>Moves the clock while no grain is active, so that no timeout of a deactivation elapses.</summary>
    private async Task Pass(TimeSpan time)
    {
        await Silo.CollectIdleAsync();
        await Silo.SettleRemindersAsync();
        await WaitForReminder();
        Silo.Time.Advance(time);
    }

    /// <summary>Orleans arms the timer of a reminder some time after it has stored the reminder.</summary>
    private async Task WaitForReminder()
    {
        var now = Silo.Time.GetUtcNow().UtcDateTime;
        var reminders = (await Silo.Services.GetRequiredService<IReminderTable>().ReadRows(0, 0)).Reminders;
        foreach (var reminder in reminders.Where(reminder => reminder.StartAt > now))
        {
            while (!Silo.Time.IsArmed(reminder.StartAt - now)) await Task.Yield();
        }
    }

    private async Task PassWithoutMessage(TimeSpan time)
    {
        var before = Upstream.OpenedCount;
        await Pass(time);
        // Runs after the reminder, if it has fired.
        await Silo.Grains.GetGrain<IBotGrain>(Bot).KeepActive();
        await LetGrainsRun();
        Assert.Equal(before, Upstream.OpenedCount);
    }

    private async Task<HealthEntry> Entry(Func<HealthEntry, bool> wanted)
    {
        for (var i = 0; i < 1000; i++)
        {
            var entries = await Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health).List();
            if (entries.Single(entry => entry is { Kind: HealthKind.Bot, Id: Bot }) is var entry && wanted(entry)) return entry;
            await LetGrainsRun();
        }
        throw new TimeoutException("The bot's health did not change in time.");
    }
}
