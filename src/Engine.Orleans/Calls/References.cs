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

/// <summary>Makes references to our grains and observers: the proxies that Orleans generated, with <see cref="OutgoingCalls"/> behind them.</summary>
internal sealed class References(IServiceProvider services) : IGrainReferenceActivatorProvider
{
    private readonly Lazy<FrozenSet<GrainInterfaceType>> _ours = new(() => OursAmong(services));
    private readonly Lazy<OutgoingCalls> _calls = new(() => ActivatorUtilities.CreateInstance<OutgoingCalls>(services));

    public bool TryGet(GrainType grainType, GrainInterfaceType interfaceType, [NotNullWhen(true)] out IGrainReferenceActivator? activator)
    {
        activator = null;
        if (interfaceType.IsDefault || !_ours.Value.Contains(interfaceType)) return false;
        foreach (var provider in services.GetServices<IGrainReferenceActivatorProvider>().Where(p => p != this))
        {
            if (!provider.TryGet(grainType, interfaceType, out var inner)) continue;
            var sample = inner.CreateReference(GrainId.Create(grainType, "sample"));
            var shared = new GrainReferenceShared(
                grainType,
                interfaceType,
                sample.InterfaceVersion,
                _calls.Value,
                InvokeMethodOptions.None,
                services.GetRequiredService<CodecProvider>(),
                services.GetRequiredService<CopyContextPool>(),
                services);
            activator = new Activator(shared, ConstructorOf(sample.GetType()));
            return true;
        }
        return false;
    }

    private static FrozenSet<GrainInterfaceType> OursAmong(IServiceProvider services)
    {
        var options = services.GetRequiredService<OrleansEngineOptions>();
        var names = services.GetRequiredService<GrainInterfaceTypeResolver>();
        return options.Adapters.Select(a => a.Adapter).Concat(options.ObserverAdapters.Select(a => a.Adapter)).Select(names.GetGrainInterfaceType).ToFrozenSet();
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
}
