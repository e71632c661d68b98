using CozeCluster.Grains;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Discord;

/// <summary>What a janitor stores: every channel it made or meant to make.</summary>
public sealed class ChannelJanitorState
{
    /// <summary>By owner.</summary>
    public Dictionary<string, OwnedChannel> Channels { get; set; } = [];
}

/// <summary>A channel of ours.</summary>
public sealed class OwnedChannel
{
    /// <summary>Its unique name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Snowflake; null while it is only meant to be made.</summary>
    public string? ChannelId { get; set; }

    /// <summary>Snowflake of the category the janitor chose for it; null where that was none of its business.</summary>
    public string? CategoryId { get; set; }

    /// <summary>When it is to be deleted.</summary>
    public DateTimeOffset DeleteAt { get; set; }

    /// <summary>Nobody uses it any more.</summary>
    public bool IsReleased { get; set; }

    /// <summary>How often Discord refused to have it deleted.</summary>
    public int Refusals { get; set; }
}

/// <summary>
/// Makes channels with the intent saved first, and deletes them when their time has come: by timer while it is awake, by reminder after a crash.
/// A channel that was made but whose id was not saved is found again by the end of its name and the mark in its topic.
/// </summary>
[GrainType("channel-janitor"), ActivationCountBasedPlacement]
public sealed partial class ChannelJanitorGrain : Grain, IChannelJanitorGrain, IRemindable
{
    private const string Reminder = "sweep";
    private const int Text = 0;
    private const int PublicThread = 11;

    /// <summary>What was made room for may be taken by somebody else.</summary>
    private const int MostEvicted = 5;

    /// <summary>A server that is full of categories has ten.</summary>
    private const int MostCategories = 20;

    /// <summary>An intent without a channel that old was cut off by a crash.</summary>
    private static readonly TimeSpan IntentLifetime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(30);

    /// <summary>Timers run for 49 days at most, and channels may be kept for a year. A sweep that is too early does nothing.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    /// <summary>Discord bans addresses that are refused some thousand times in ten minutes: channels it will not have deleted are tried ever less often.</summary>
    private static readonly TimeSpan LongestTryAgain = TimeSpan.FromHours(1);

    private readonly IPersistentState<ChannelJanitorState> _state;
    private readonly BackgroundWork _work;
    private readonly string _key;
    private readonly IDiscordApi _discord;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<ChannelJanitorState> _saver;
    private readonly Declared<ListenerDefinition> _listener;
    private readonly Dictionary<string, Task<string>> _making = [];
    private readonly HashSet<string> _leaving = [];
    private IDisposable? _timer;
    private DateTimeOffset _timerDue = DateTimeOffset.MaxValue;
    private DateTimeOffset _notBefore;
    private bool _sweeping;
    private bool _reminded;

    /// <summary>Made by Orleans.</summary>
    public ChannelJanitorGrain(
        [PersistentState("channel-janitor")] IPersistentState<ChannelJanitorState> state, BackgroundWork work, IDiscordApi discord, TimeProvider time, ILogger<ChannelJanitorGrain> logger)
    {
        _state = state;
        _work = work;
        _key = work.Key;
        _discord = discord;
        _time = time;
        _logger = logger;
        _saver = new StateSaver<ChannelJanitorState>(state, work);
        _listener = new Declared<ListenerDefinition>(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindListener(_key));
    }

    private Dictionary<string, OwnedChannel> Channels => _state.State.Channels;

    /// <inheritdoc />
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        ArmTimer();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _work.StopAsync();

    /// <summary>The sweep is background work: rate limits of Discord may make it last for minutes, and a call that runs so long would keep the silo from stopping.</summary>
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        _work.Run(async stop =>
        {
            await Sweep(stop);
            if (Channels.Count > 0) return;
            await this.ClearReminder(Reminder);
            _reminded = false;
            // A channel may have been made meanwhile.
            if (Channels.Count > 0) await RemindMe();
        });
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<string> Create(DiscordChannelRequest request)
    {
        if (_making.TryGetValue(request.Owner, out var making)) return await making;
        if (Channels.TryGetValue(request.Owner, out var known) && known.ChannelId is { } id)
        {
            if (!known.IsReleased) return id;
            // It is on its way out, or gone already; its owner gets another one.
            Channels.Remove(request.Owner);
            Channels[$"{request.Owner}#{id}"] = known;
        }
        making = Make(request);
        _making[request.Owner] = making;
        try
        {
            return await making;
        }
        finally
        {
            _making.Remove(request.Owner);
        }
    }

    /// <inheritdoc />
    public Task Release(string channelId, TimeSpan? deleteAfter) => Change(channelId, channel =>
    {
        if (deleteAfter is null)
        {
            Forget(channelId);
            return;
        }
        channel.IsReleased = true;
        channel.DeleteAt = _time.GetUtcNow() + deleteAfter.Value;
    });

    /// <inheritdoc />
    public Task Keep(string channelId, TimeSpan lifetime) => Change(channelId, channel =>
    {
        channel.IsReleased = false;
        channel.Refusals = 0;
        channel.DeleteAt = _time.GetUtcNow() + lifetime;
    });

    /// <inheritdoc />
    public async Task Rename(string channelId, string name) => await _discord.RenameChannel(await Listener(), channelId, name, CancellationToken.None);

    /// <inheritdoc />
    public async Task Delete(string channelId)
    {
        await _discord.DeleteChannel(await Listener(), channelId, CancellationToken.None);
        Forget(channelId);
        await _saver.Save();
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<DiscordChannelInfo>> List() => await _discord.ListChannels(await Listener(), CancellationToken.None);

    /// <inheritdoc />
    public Task Sweep() => Sweep(CancellationToken.None);

    private string Mark(string owner) => $"Made by CozeCluster for {_key}/{GrainKeys.Hash("channel", owner)}";

    /// <summary>Makes an owner's channel be found again if its id was lost in a crash. Discord changes what stands before it: capitals, spaces.</summary>
    private static string Ending(string owner) => $"-{GrainKeys.Hash("channel", owner)[..8]}";

    /// <summary>Whether a channel is the one made for an owner. Threads have no topic to bear the mark.</summary>
    private bool IsOf(string owner, DiscordChannelInfo channel) =>
        channel.Name.EndsWith(Ending(owner), StringComparison.Ordinal) && (channel.Kind == PublicThread || channel.Topic == Mark(owner));

    private async Task<string> Make(DiscordChannelRequest request)
    {
        var listener = await Listener();
        // Its answer was lost, or its node: Discord may have made it.
        var isMeantAlready = Channels.ContainsKey(request.Owner);
        var channel = new OwnedChannel
        {
            Name = request.Name + Ending(request.Owner),
            DeleteAt = _time.GetUtcNow() + IntentLifetime,
        };
        Channels[request.Owner] = channel;
        var saved = _saver.Save();
        await RemindMe();
        await saved;

        var wanted = new DiscordChannelInfo("", channel.Name, request.ParentId, request.IsThread ? PublicThread : Text, request.IsThread ? null : Mark(request.Owner));
        var made = isMeantAlready ? (await _discord.ListChannels(listener, CancellationToken.None)).FirstOrDefault(one => IsOf(request.Owner, one)) : null;
        made ??= request.Category is { } category ? await MakeInCategory(listener, category, channel, wanted) : await MakeWhereWanted(listener, wanted);
        channel.ChannelId = made.Id;
        channel.DeleteAt = _time.GetUtcNow() + request.Lifetime;
        await _saver.Save();
        ArmTimer();
        return made.Id;
    }

    /// <summary>Makes a channel in the category of that name, or in the next one where it is full.</summary>
    private async Task<DiscordChannelInfo> MakeInCategory(ListenerDefinition listener, string name, OwnedChannel channel, DiscordChannelInfo wanted)
    {
        var categories = GrainFactory.Grain<IGuildCategoriesGrain>(GrainKeys.GuildCategories(listener.GuildId));
        var full = new List<string>();
        for (var tried = 0; tried < MostCategories; tried++)
        {
            if (await categories.Find(new DiscordCategoryRequest(listener.Id, name, full)) is not { } category)
            {
                if (!await MakeRoom(listener)) break;
                continue;
            }
            // What is on its way there counts too; of other listeners' channels Discord tells.
            if (Channels.Values.Count(ours => ours.CategoryId == category) < GuildCategoriesGrain.Room)
            {
                channel.CategoryId = category;
                if ((await MakeInRoom(listener, wanted with { ParentId = category })).Channel is { } made) return made;
                channel.CategoryId = null;
            }
            full = [.. full, category];
        }
        throw ServerIsFull();
    }

    /// <summary>Makes a channel in the category that the operator made, or better beside it than not at all.</summary>
    private async Task<DiscordChannelInfo> MakeWhereWanted(ListenerDefinition listener, DiscordChannelInfo wanted)
    {
        var made = await MakeInRoom(listener, wanted);
        if (made.Result == ChannelCreationResult.CategoryFull) made = await MakeInRoom(listener, wanted with { ParentId = null });
        return made.Channel ?? throw new ClusterException(ErrorCode.UpstreamInvalidRequest, $"There is no category {wanted.ParentId} in the Discord server.");
    }

    /// <summary>Makes a channel if its category takes it, and room for it if the server is full.</summary>
    private async Task<ChannelCreation> MakeInRoom(ListenerDefinition listener, DiscordChannelInfo wanted)
    {
        for (var evicted = 0; ; evicted++)
        {
            var made = await _discord.CreateChannel(listener, wanted, CancellationToken.None);
            if (made.Result != ChannelCreationResult.ServerFull) return made;
            if (evicted == MostEvicted || !await MakeRoom(listener)) throw ServerIsFull();
        }
    }

    private static ClusterException ServerIsFull() =>
        new(ErrorCode.UpstreamFailed, "The Discord server has as many channels as it may have, and none of ours is free to go.");

    /// <summary>The server is full: of our channels that nobody uses any more, the one that would go first goes now.</summary>
    /// <returns>Whether one went.</returns>
    private async Task<bool> MakeRoom(ListenerDefinition listener)
    {
        while (Channels.Values.Where(channel => channel is { IsReleased: true, ChannelId: { } id } && !_leaving.Contains(id)).MinBy(channel => channel.DeleteAt) is { } first)
        {
            var id = first.ChannelId!;
            // Whoever else makes room meanwhile takes another one; so does everybody where it cannot be deleted.
            _leaving.Add(id);
            if (await TryDelete(listener, id, CancellationToken.None) is not null) continue;
            _leaving.Remove(id);
            Forget(id);
            return true;
        }
        return false;
    }

    private async Task Change(string channelId, Action<OwnedChannel> change)
    {
        if (Channels.Values.FirstOrDefault(channel => channel.ChannelId == channelId) is not { } found) return;
        change(found);
        await _saver.Save();
        ArmTimer();
    }

    private async Task Sweep(CancellationToken stop)
    {
        if (_sweeping) return;
        _sweeping = true;
        try
        {
            var now = _time.GetUtcNow();
            var due = Channels.Where(channel => channel.Value.DeleteAt <= now).ToList();
            if (due.Count == 0) return;
            var listener = await Listener();
            var lost = due.Exists(channel => channel.Value.ChannelId is null) ? await _discord.ListChannels(listener, stop) : [];
            foreach (var (owner, channel) in due)
            {
                // It may be wanted again meanwhile.
                if (channel.DeleteAt > now || Channels.GetValueOrDefault(owner) != channel) continue;
                var obstacle = await TryDelete(listener, channel.ChannelId ?? lost.FirstOrDefault(one => IsOf(owner, one))?.Id, stop);
                if (obstacle is ErrorCode.UpstreamForbidden or ErrorCode.UpstreamUnauthorized) channel.Refusals++;
                if (obstacle is null) Channels.Remove(owner);
                else channel.DeleteAt = _time.GetUtcNow() + PauseAfter(channel.Refusals);
            }
            await _saver.Save();
        }
        catch (ClusterException exception)
        {
            _notBefore = _time.GetUtcNow() + TryAgain;
            LogNotSwept(_logger, exception, _key, exception.Code);
        }
        finally
        {
            _sweeping = false;
            ArmTimer();
        }
    }

    private static TimeSpan PauseAfter(int refusals) => TryAgain * Math.Min(Math.Pow(2, Math.Max(refusals - 1, 0)), LongestTryAgain / TryAgain);

    /// <returns>Why it is still there; null once it is gone.</returns>
    private async Task<ErrorCode?> TryDelete(ListenerDefinition listener, string? channelId, CancellationToken stop)
    {
        if (channelId is null) return null;
        try
        {
            await _discord.DeleteChannel(listener, channelId, stop);
            return null;
        }
        catch (ClusterException exception)
        {
            // The others need not wait for it.
            LogNotSwept(_logger, exception, _key, exception.Code);
            return exception.Code;
        }
    }

    private void ArmTimer()
    {
        if (_sweeping || Channels.Count == 0) return;
        var due = Channels.Values.Min(channel => channel.DeleteAt);
        var now = _time.GetUtcNow();
        if (due < _notBefore) due = _notBefore;
        if (due < now) due = now;
        if (due > now + LongestTimer) due = now + LongestTimer;
        if (_timer is not null && _timerDue <= due) return;
        _timer?.Dispose();
        _timerDue = due;
        _timer = this.StartTimer(due - now, Timeout.InfiniteTimeSpan, _ =>
        {
            _timer = null;
            _work.Run(Sweep);
            return Task.CompletedTask;
        });
    }

    private async Task RemindMe()
    {
        if (_reminded) return;
        _reminded = true;
        try
        {
            await this.RegisterOrUpdateReminder(Reminder, SweepEvery, SweepEvery);
        }
        catch
        {
            _reminded = false;
            throw;
        }
    }

    private void Forget(string channelId)
    {
        foreach (var (owner, channel) in Channels)
        {
            if (channel.ChannelId == channelId) Channels.Remove(owner);
        }
    }

    private async Task<ListenerDefinition> Listener() =>
        await _listener.Get() ?? throw new ClusterException(ErrorCode.UpstreamUnavailable, "The Discord listener is not in the fleet.");

    [LoggerMessage(1211, LogLevel.Warning, "Channels of {Key} that are due could not all be deleted: {Code}")]
    private static partial void LogNotSwept(ILogger logger, Exception exception, string key, ErrorCode code);
}
