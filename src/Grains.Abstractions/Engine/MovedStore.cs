namespace CozeCluster;

/// <summary>A stored state on its way from one engine's store to another's.</summary>
/// <param name="Kind">The name of the grain's definition.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="UpdatedAt">When it was saved last.</param>
/// <param name="Payload">JSON, as the grain's definition writes it.</param>
public sealed record MovedState(string Kind, string Key, DateTimeOffset UpdatedAt, byte[] Payload);

/// <summary>A reminder on its way from one engine's store to another's.</summary>
/// <param name="Kind">The name of the grain's definition.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="Name">The reminder's name.</param>
/// <param name="Due">When it is due next.</param>
/// <param name="Period">Time between calls.</param>
public sealed record MovedReminder(string Kind, string Key, string Name, DateTimeOffset Due, TimeSpan Period);

/// <summary>A blob on its way from one engine's store to another's.</summary>
/// <param name="Id">What <see cref="Messages.BlobRef.Id"/> calls it: tenant and content, hashed the same way by all engines.</param>
/// <param name="ExpiresAt">Until when it is kept.</param>
/// <param name="Open">Opens the bytes.</param>
public sealed record MovedBlob(string Id, DateTimeOffset ExpiresAt, Func<Stream> Open);
