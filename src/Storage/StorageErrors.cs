using System.Text.Json;
using Microsoft.Data.Sqlite;
using Npgsql;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>The errors that grains receive from both storages.</summary>
internal static class StorageErrors
{
    /// <summary>Runs an operation on a state and translates its exceptions. The operation begins on the caller's thread.</summary>
    /// <exception cref="InconsistentStateException">A conflict, thrown by <paramref name="operation"/>.</exception>
    /// <exception cref="ClusterException">Replaces an exception of the database or the serializer.</exception>
    public static async Task Translate(string stateName, GrainId grainId, Func<Task> operation)
    {
        try
        {
            await operation().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (ClusterException or InconsistentStateException or OperationCanceledException))
        {
            throw ToClusterException(e, stateName, grainId);
        }
    }

    /// <summary>Another activation of the grain has saved, deleted or created this state. Orleans deactivates the grain that receives this exception.</summary>
    public static InconsistentStateException Conflict(string stateName, GrainId grainId, string? etag) =>
        new($"The state {stateName} of {grainId.Key} was changed by another activation.", "unknown", etag ?? "none");

    /// <summary>Another activation of the conversation has written.</summary>
    public static ClusterException Conflict(string conversationKey) =>
        new(ErrorCode.StateConflict, $"The conversation {conversationKey} was changed by another activation.");

    /// <summary>The database could not read conversations or turns.</summary>
    public static ClusterException ReadFailed(SqliteException error) =>
        SqliteFaults.ToClusterException(error, "The database could not read a conversation.");

    /// <summary>The storage is closed.</summary>
    public static ClusterException Draining() => new(ErrorCode.Draining, "This node is shutting down. Retry.");

    private static ClusterException ToClusterException(Exception error, string stateName, GrainId grainId) => error switch
    {
        NpgsqlException { IsTransient: true } => new(ErrorCode.CallRejected, "The database cannot be reached. Retry.", inner: error),
        SqliteException sqlite => SqliteFaults.ToClusterException(sqlite, "The database could not read or write a state."),
        NpgsqlException => new(ErrorCode.Internal, "The database could not read or write a state. See the log of the node.", inner: error),
        JsonException => new(ErrorCode.Internal, $"The state {stateName} of {grainId.Key} cannot be read or written as JSON.", inner: error),
        _ => new(ErrorCode.Internal, "A state could not be read or written. See the log of the node.", inner: error),
    };
}

/// <summary>Helps both storages to return a state of which nothing is stored.</summary>
internal static class GrainStateExtensions
{
    /// <summary>Replaces a state with a new one that is not stored.</summary>
    public static void Reset<T>(this IGrainState<T> grainState, IActivatorProvider activators)
    {
        grainState.State = activators.GetActivator<T>().Create();
        grainState.ETag = null!;
        grainState.RecordExists = false;
    }
}
