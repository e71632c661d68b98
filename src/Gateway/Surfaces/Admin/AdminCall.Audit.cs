using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>The thing that an entry of the audit log is about.</summary>
/// <param name="Kind">See <see cref="AuditEntry"/>.</param>
/// <param name="Id">The id of the thing.</param>
/// <param name="TenantId">See <see cref="AuditEntry.TenantId"/>.</param>
internal sealed record AuditTarget(string Kind, string Id, string? TenantId)
{
    /// <summary>See <see cref="AuditEntry.Fields"/>.</summary>
    public IReadOnlyList<string> Fields { get; init; } = [];

    /// <summary>See <see cref="AuditEntry.Note"/>.</summary>
    public string? Note { get; init; }
}

/// <summary>Records changes in the audit log.</summary>
internal sealed partial class AdminCall
{
    /// <summary>Whether <see cref="Audited{T}"/> was called.</summary>
    public bool IsAudited { get; private set; }

    /// <summary>
    /// Makes a change, or reads what is recorded when it is read. An entry is stored before, and gets its outcome after: a change without an entry is
    /// impossible. If the node fails in between, the outcome stays unknown. Check the request first: what changes nothing needs no entry.
    /// </summary>
    /// <exception cref="ClusterException">The entry could not be stored, and nothing was changed; or the work failed.</exception>
    public async Task<T> Audited<T>(AuditTarget target, Func<Task<T>> work)
    {
        var log = Grains.Grain<IAuditLogGrain>(GrainKeys.AuditLog);
        var entry = AuditEntries.Create(context, target, Key, AuditEntry.UnknownOutcome);
        await log.Append(entry);
        IsAudited = true;
        T result;
        try
        {
            result = await work();
        }
        catch (ClusterException exception)
        {
            // A call that was rejected may have been executed. The entry says so.
            if (exception.Code is not (ErrorCode.CallRejected or ErrorCode.Internal)) await Complete(log, entry, ErrorTable.Of(exception.Code).Name);
            throw;
        }
        await Complete(log, entry, AuditEntry.Done);
        return result;
    }

    /// <inheritdoc cref="Audited{T}(AuditTarget, Func{Task{T}})"/>
    public Task Audited(AuditTarget target, Func<Task> work) => Audited(target, async () =>
    {
        await work();
        return true;
    });

    /// <summary>The error for a right that the key lacks. The audit log has it, as it has requests to routes that a key may not use.</summary>
    public async Task<ClusterException> Refuse(string message, string field)
    {
        await context.RequestServices.GetRequiredService<RefusedRequests>().Record(context);
        return new ClusterException(ErrorCode.PermissionDenied, message, field);
    }

    // The client gets its answer even if the outcome cannot be stored: only the answer has the text of a new key.
    private async Task Complete(IAuditLogGrain log, AuditEntry entry, string outcome)
    {
        try
        {
            await log.Complete(entry.Id, outcome);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException or OrleansException)
        {
            LogOutcomeNotStored(Logger, exception, outcome, entry.Id);
        }
    }

    [LoggerMessage(44, LogLevel.Warning, "The outcome {Outcome} could not be stored in the entry {Id} of the audit log, which stays unknown")]
    private static partial void LogOutcomeNotStored(ILogger logger, Exception exception, string outcome, string id);
}

/// <summary>Creates entries of the audit log.</summary>
internal static class AuditEntries
{
    public static AuditEntry Create(HttpContext context, AuditTarget target, RequestKey key, string outcome)
    {
        var now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        var actor = new AuditActor(key.TenantId, key.Name, key.Role, context.Connection.RemoteIpAddress?.ToString() ?? "");
        var action = context.GetEndpoint()?.Metadata.GetMetadata<AdminRoute>()?.Action ?? "";
        return new AuditEntry(AuditEntry.NewId(now), actor, action, target.Kind, Cut(target.Id, AuditEntry.MaxItemId))
        {
            TenantId = target.TenantId,
            Outcome = outcome,
            Fields = target.Fields,
            Note = target.Note is { } note ? Cut(note, AuditEntry.MaxNote) : null,
            RequestId = RequestInfo.Of(context).RequestId,
        };
    }

    // The storage takes no half of a surrogate pair.
    private static string Cut(string text, int length) =>
        text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
