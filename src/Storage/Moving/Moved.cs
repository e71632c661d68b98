namespace CozeCluster.Storage;

/// <summary>A stored state that moves from one storage to another.</summary>
/// <param name="StateName">The name of the persistent state.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="UpdatedAt">When it was saved last.</param>
/// <param name="Payload">The state as the grain storage serializer wrote it.</param>
public sealed record MovedState(string StateName, string Key, DateTimeOffset UpdatedAt, byte[] Payload);

/// <summary>A reminder that moves from one storage to another.</summary>
/// <param name="Grain">The grain's type and key.</param>
/// <param name="Name">The reminder's name.</param>
/// <param name="StartAt">When it was due first; it is due again every <paramref name="Period"/> after that.</param>
/// <param name="Period">Time between two calls.</param>
public sealed record MovedReminder(GrainId Grain, string Name, DateTimeOffset StartAt, TimeSpan Period);

/// <summary>A blob that moves from one storage to another.</summary>
/// <param name="Id">Its <see cref="BlobRef.Id"/>: a hash of the tenant and one of the content, the same in all storages.</param>
/// <param name="ExpiresAt">Until when it is kept.</param>
/// <param name="Open">Opens the bytes.</param>
public sealed record MovedBlob(string Id, DateTimeOffset ExpiresAt, Func<Stream> Open);

/// <summary>How much was moved.</summary>
/// <param name="States">Grain states.</param>
/// <param name="Reminders">Reminders.</param>
/// <param name="Blobs">Blobs, expired ones included.</param>
public sealed record MovedCounts(long States, long Reminders, long Blobs = 0);
