using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Storage;

/// <summary>A storage that reports when the database has refused to work.</summary>
internal interface IFailingStorage
{
    /// <summary>Called after the database has refused a read or a write, on any thread. It must return at once.</summary>
    Action? Failed { get; set; }
}

/// <summary>Makes a storage that refuses to work be tested at once.</summary>
internal sealed class FailureWatch(StorageWatch watch, IFailingStorage storage) : HostLifecycleService
{
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        storage.Failed = watch.CheckNow;
        return Task.CompletedTask;
    }
}

/// <summary>Registers the test of a storage.</summary>
internal static class StorageProbing
{
    /// <summary>Registers an <see cref="IStorageProbe"/> that tests with <typeparamref name="TProbe"/>, at most once a second.</summary>
    public static IServiceCollection AddStorageProbe<TProbe, TStorage>(this IServiceCollection services)
        where TProbe : class, IStorageProbe where TStorage : class, IFailingStorage
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<StorageWatch>(provider, ActivatorUtilities.CreateInstance<TProbe>(provider)));
        services.AddSingleton<IStorageProbe>(provider => provider.GetRequiredService<StorageWatch>());
        services.AddHostedService(provider => new FailureWatch(provider.GetRequiredService<StorageWatch>(), provider.GetRequiredService<TStorage>()));
        return services;
    }
}
