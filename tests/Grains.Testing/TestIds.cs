using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Testing;

/// <summary>Ids under a key that tests know. A silo whose storage has no key yet uses it.</summary>
public static class TestIds
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, ConversationIds.KeyBytes).Select(number => (byte)number)];

    /// <summary>Makes the ids of a silo that <see cref="AddTo"/> has prepared.</summary>
    public static ConversationIds Ids { get; } = new(Key);

    /// <summary>Gives a silo the key. Its storage must be registered already.</summary>
    public static void AddTo(IServiceCollection services)
    {
        var inner = services.Last(service => service.ServiceType == typeof(IFleetStore));
        services.Remove(inner);
        services.AddSingleton<IFleetStore>(provider => new KeyedStore((IFleetStore)(inner.ImplementationInstance
            ?? inner.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!))));
    }

    private sealed class KeyedStore(IFleetStore inner) : IFleetStore
    {
        public async ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken)
        {
            var page = await inner.Read(afterKind, afterId, limit, cancellationToken);
            if (afterKind >= FleetRowKind.ConversationKey || page.Count == limit || page.Any(row => row.Kind == FleetRowKind.ConversationKey)) return page;
            return [.. page, new FleetRow(FleetRowKind.ConversationKey, "conversations", 0, Key)];
        }

        public ValueTask<long> ReadVersion(CancellationToken cancellationToken) => inner.ReadVersion(cancellationToken);

        public Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows) => inner.Commit(expectedVersion, nextVersion, rows);
    }
}
