using System.Text.Json;
using Microsoft.Data.Sqlite;
using Npgsql;
using Orleans.Storage;

namespace CozeCluster.Storage;

/// <summary>The errors that grains receive from both storages.</summary>
internal static class StorageErrors
{
    /// <summary>Reads, writes or clears a state. Begins on the caller's thread.</summary>
    /// <exception cref="InconsistentStateException">A conflict, as <paramref name="operation"/> throws it.</exception>
    /// <exception cref="ClusterException">In place of an exception of the database or the serializer.</exception>
    public static async Task Translating(string stateName, GrainId grainId, Func<Task> operation)
    {
        try
        {
            await operation().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (ClusterException or InconsistentStateException or OperationCanceledException))
        {
            throw Translate(e, stateName, grainId);
        }
    }

    /// <summary>Another activation of the grain has saved, cleared or created this state. Orleans deactivates the grain that receives it.</summary>
    public static InconsistentStateException Conflict(string stateName, GrainId grainId, string? etag) =>
        new($"The state {stateName} of {grainId.Key} was changed by another activation.", "unknown", etag ?? "none");

    /// <summary>The storage is closed.</summary>
    public static ClusterException Draining() => new(ErrorCode.Draining, "This node is shutting down. Try again.");

    private static ClusterException Translate(Exception error, string stateName, GrainId grainId) => error switch
    {
        NpgsqlException { IsTransient: true } => new(ErrorCode.CallRejected, "The database cannot be reached. Try again.", inner: error),
        NpgsqlException or SqliteException => new(ErrorCode.Internal, "The database failed to read or store a state.", inner: error),
        JsonException => new(ErrorCode.Internal, $"The state {stateName} of {grainId.Key} cannot be read or written as JSON.", inner: error),
        _ => new(ErrorCode.Internal, "The service failed to read or store a state.", inner: error),
    };
}
