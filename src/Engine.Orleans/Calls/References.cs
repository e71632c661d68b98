using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.CodeGeneration;
using Orleans.GrainReferences;
using Orleans.Metadata;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Serializers;

namespace CozeCluster.Engine.Orleans;

/// <summary>Makes references to our grains and observers: the proxies that Orleans generated, with <see cref="OutgoingCalls"/> or <see cref="ObserverCalls"/> behind them.</summary>
internal sealed class References(IServiceProvider services) : IGrainReferenceActivatorProvider
{
    private readonly Lazy<FrozenSet<GrainInterfaceType>> _grains = new(() => Names(services, options => options.Adapters.Select(a => a.Adapter)));
    private readonly Lazy<FrozenSet<GrainInterfaceType>> _observers = new(() => Names(services, options => options.ObserverAdapters.Select(a => a.Adapter)));
    private readonly Lazy<OutgoingCalls> _calls = new(() => ActivatorUtilities.CreateInstance<OutgoingCalls>(services));
    private readonly ConcurrentDictionary<(GrainType, GrainInterfaceType), Func<GrainId, GrainReference>> _newGrains = new();

    public bool TryGet(GrainType grainType, GrainInterfaceType interfaceType, [NotNullWhen(true)] out IGrainReferenceActivator? activator)
    {
        activator = null;
        if (interfaceType.IsDefault) return false;
        var isObserver = _observers.Value.Contains(interfaceType);
        if (!isObserver && !_grains.Value.Contains(interfaceType)) return false;
        foreach (var provider in services.GetServices<IGrainReferenceActivatorProvider>().Where(p => p != this))
        {
            if (!provider.TryGet(grainType, interfaceType, out var inner)) continue;
            var sample = inner.CreateReference(GrainId.Create(grainType, "sample"));
            var create = ConstructorOf(sample.GetType());
            activator = isObserver
                ? new ObserverActivator(services.GetRequiredService<Couriers>(), calls => Share(sample, calls), create)
                : new Activator(Share(sample, _calls.Value), create);
            if (!isObserver) _newGrains[(grainType, interfaceType)] = grain => create(Share(sample, _calls.Value.OfNewGrain()), grain.Key);
            return true;
        }
        return false;
    }

    /// <summary>A reference to the same grain, which has stored nothing: see <see cref="IGrains.GetNew{T}"/>.</summary>
    public GrainReference New(GrainReference reference) => _newGrains[(reference.GrainId.Type, reference.InterfaceType)](reference.GrainId);

    private GrainReferenceShared Share(GrainReference sample, IGrainReferenceRuntime runtime) => new(
        sample.GrainId.Type,
        sample.InterfaceType,
        sample.InterfaceVersion,
        runtime,
        InvokeMethodOptions.None,
        services.GetRequiredService<CodecProvider>(),
        services.GetRequiredService<CopyContextPool>(),
        services);

    private static FrozenSet<GrainInterfaceType> Names(IServiceProvider services, Func<OrleansEngineOptions, IEnumerable<Type>> interfaces)
    {
        var names = services.GetRequiredService<GrainInterfaceTypeResolver>();
        return interfaces(services.GetRequiredService<OrleansEngineOptions>()).Select(names.GetGrainInterfaceType).ToFrozenSet();
    }

    private static Func<GrainReferenceShared, IdSpan, GrainReference> ConstructorOf(Type proxy)
    {
        var constructor = proxy.GetConstructor(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic, [typeof(GrainReferenceShared), typeof(IdSpan)])
            ?? throw new InvalidOperationException($"{proxy} is not a proxy as this version of Orleans makes them.");
        var shared = Expression.Parameter(typeof(GrainReferenceShared));
        var key = Expression.Parameter(typeof(IdSpan));
        return Expression.Lambda<Func<GrainReferenceShared, IdSpan, GrainReference>>(Expression.New(constructor, shared, key), shared, key).Compile();
    }

    private sealed class Activator(GrainReferenceShared shared, Func<GrainReferenceShared, IdSpan, GrainReference> create) : IGrainReferenceActivator
    {
        public GrainReference CreateReference(GrainId grainId) => create(shared, grainId.Key);
    }

    private sealed class ObserverActivator(
        Couriers couriers, Func<ObserverCalls, GrainReferenceShared> share, Func<GrainReferenceShared, IdSpan, GrainReference> create) : IGrainReferenceActivator
    {
        public GrainReference CreateReference(GrainId grainId) => create(share(couriers.To(grainId)), grainId.Key);
    }
}
