using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of the health grain.</summary>
public sealed class HealthRecords
{
    /// <summary>The records by kind and id: <c>Bot/{id}</c>.</summary>
    public Dictionary<string, HealthRecord> Entries { get; set; } = [];

    /// <summary>When operators were last notified, by kind, id and state: <c>Bot/{id} Failing</c>.</summary>
    [JsonPropertyName("noticed")]
    public Dictionary<string, DateTimeOffset> NotifiedAt { get; set; } = [];
}

/// <summary>The health of one bot, account or listener, and what operators know of it.</summary>
public sealed class HealthRecord
{
    /// <summary>The state that was last reported.</summary>
    public required HealthEntry Entry { get; set; }

    /// <summary>The state that operators were last notified of; null if they were not notified, or if that state is over.</summary>
    [JsonPropertyName("told")]
    public HealthState? Notified { get; set; }
}

/// <summary>
/// Stores the health of everything that has reported it and is in the fleet. Notifies operators once when something fails and once when it works again, and
/// never twice within an hour of the same state of the same thing.
/// </summary>
// The activation must outlive the hour after which a notification may be repeated.
[GrainType("health"), ActivationCountBasedPlacement, CollectionAgeLimit(Hours = 2)]
public sealed partial class HealthGrain : Grain, IHealthGrain
{
    private static readonly TimeSpan MinRepeatTime = TimeSpan.FromHours(1);

    private readonly IPersistentState<HealthRecords> _state;
    private readonly BackgroundWork _work;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StateSaver<HealthRecords> _saver;
    private readonly IFleetView _fleet;
    private readonly NotificationSender _sender;
    private IDisposable? _reviewTimer;
    private bool _isReviewing;
    private bool _needsReview;

    /// <summary>Called by Orleans.</summary>
    public HealthGrain(
        [PersistentState("health")] IPersistentState<HealthRecords> state,
        BackgroundWork work,
        IEnumerable<INotifier> notifiers,
        IFleetView fleet,
        TimeProvider time,
        ILogger<HealthGrain> logger)
    {
        _state = state;
        _work = work;
        _time = time;
        _logger = logger;
        _saver = new StateSaver<HealthRecords>(state, work);
        _fleet = fleet;
        _sender = new NotificationSender([.. notifiers], time, logger);
    }

    private HealthRecords State => _state.State;

    /// <summary>Notifications that were delayed because of the repeat time may be due by now.</summary>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (State.Entries.Count > 0) StartReview();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _work.StopAsync();

    /// <inheritdoc />
    public async Task Report(HealthEntry entry)
    {
        var key = KeyOf(entry.Kind, entry.Id);
        if (!State.Entries.TryGetValue(key, out var known))
        {
            State.Entries[key] = new HealthRecord { Entry = entry };
        }
        else
        {
            var last = Current(known.Entry);
            if (last.State == HealthState.Ok && known.Notified == HealthState.Cooling) known.Notified = null;
            known.Entry = entry with
            {
                Since = last.State == entry.State && last.Code == entry.Code ? last.Since : entry.Since,
                KeepActive = entry.KeepActive ?? last.KeepActive,
            };
        }
        await _saver.Save();
        StartReview();
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<HealthEntry>> List() => Task.FromResult<IReadOnlyList<HealthEntry>>(
    [
        .. Members(_fleet.Outline).Select(member => State.Entries.TryGetValue(KeyOf(member.Kind, member.Id), out var record)
            ? Current(record.Entry)
            : new HealthEntry(member.Kind, member.Id, HealthState.Unknown)),
    ]);

    private void StartReview()
    {
        _needsReview = true;
        if (_isReviewing) return;
        _isReviewing = true;
        _work.Run(Review);
    }

    /// <summary>Removes what is no longer in the fleet, and sends the notifications that are due.</summary>
    private async Task Review(CancellationToken stop)
    {
        try
        {
            while (_needsReview)
            {
                _needsReview = false;
                // A new member of the fleet may be missing in the view of this process, and must not be removed.
                var members = KeysOf(_fleet.Outline);
                if (State.Entries.Keys.Any(key => !members.Contains(key)))
                {
                    await _fleet.Refresh(stop);
                    members = KeysOf(_fleet.Outline);
                }
                var hasChanged = RemoveObsolete(members);
                if (_fleet.Outline.Notifications is { } definition)
                {
                    var due = TakeDueNotifications(out var next);
                    // Saved before they are sent: after a crash, a missing notification is better than a repeated one.
                    if (hasChanged || due.Count > 0) await _saver.Save();
                    foreach (var notification in due) _work.Run(stopping => _sender.Send(definition, notification, stopping));
                    ScheduleReview(next);
                }
                else if (hasChanged)
                {
                    await _saver.Save();
                }
            }
        }
        catch (ClusterException exception)
        {
            LogReviewFailed(_logger, exception, exception.Code);
        }
        finally
        {
            _isReviewing = false;
        }
    }

    private bool RemoveObsolete(HashSet<string> members)
    {
        var now = _time.GetUtcNow();
        var removed = 0;
        foreach (var key in State.Entries.Keys)
        {
            if (!members.Contains(key) && State.Entries.Remove(key)) removed++;
        }
        foreach (var (cause, at) in State.NotifiedAt)
        {
            if (at + MinRepeatTime <= now && State.NotifiedAt.Remove(cause)) removed++;
        }
        return removed > 0;
    }

    /// <summary>Returns the notifications that are due, and marks them as sent.</summary>
    /// <param name="next">When the next notification is due; null: not before the next report.</param>
    private List<Notification> TakeDueNotifications(out DateTimeOffset? next)
    {
        var now = _time.GetUtcNow();
        var due = new List<Notification>();
        next = null;
        foreach (var (key, record) in State.Entries)
        {
            var entry = Current(record.Entry);
            if (NotificationText.NotifyFrom(entry, record.Notified) is not { } at) continue;
            var cause = $"{key} {entry.State}";
            if (State.NotifiedAt.TryGetValue(cause, out var last) && last + MinRepeatTime > at) at = last + MinRepeatTime;
            if (at > now)
            {
                if (next is null || at < next) next = at;
                continue;
            }
            State.NotifiedAt[cause] = now;
            record.Notified = entry.State;
            due.Add(new Notification(entry, now, NotificationText.Of(entry)));
        }
        return due;
    }

    private void ScheduleReview(DateTimeOffset? at)
    {
        _reviewTimer?.Dispose();
        _reviewTimer = null;
        if (at is null) return;
        var wait = at.Value - _time.GetUtcNow();
        _reviewTimer = this.StartTimer(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan, _ =>
        {
            StartReview();
            return Task.CompletedTask;
        });
    }

    /// <summary>The entry as of now: something that was cooling down until a past time is Ok.</summary>
    private HealthEntry Current(HealthEntry entry) => entry is { State: HealthState.Cooling, Until: { } until } && until <= _time.GetUtcNow()
        ? entry with { State = HealthState.Ok, Reason = null, Code = null, Since = until, Until = null }
        : entry;

    private static IEnumerable<(HealthKind Kind, string Id)> Members(FleetOutline fleet) =>
    [
        .. fleet.Bots.Order(StringComparer.Ordinal).Select(id => (HealthKind.Bot, id)),
        .. fleet.Accounts.Order(StringComparer.Ordinal).Select(id => (HealthKind.Account, id)),
        .. fleet.Listeners.Order(StringComparer.Ordinal).Select(id => (HealthKind.Listener, id)),
    ];

    private static HashSet<string> KeysOf(FleetOutline fleet) => [.. Members(fleet).Select(member => KeyOf(member.Kind, member.Id))];

    private static string KeyOf(HealthKind kind, string id) => $"{kind}/{id}";

    [LoggerMessage(1302, LogLevel.Warning, "The health grain could not determine which notifications are due: {Code}")]
    private static partial void LogReviewFailed(ILogger logger, Exception exception, ErrorCode code);
}
