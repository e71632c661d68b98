using System.Collections.Frozen;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using Orleans.Timers;

namespace CozeCluster.Engine.Orleans;

/// <summary>What the activations of a silo share.</summary>
internal sealed class OrleansSilo(IServiceProvider services, OrleansEngineOptions options, TimeProvider time, ILogger<OrleansSilo> logger)
{
    private readonly FrozenDictionary<string, GrainDefinition> _definitions = options.Definitions.ToFrozenDictionary(d => d.Name);
    private IGrains? _grains;
    private IGrainStorage? _storage;
    private IReminderRegistry? _reminders;
    private IGrainRuntime? _runtime;

    public TimeProvider Time => time;

    public ILogger Logger => logger;

    // Taken when first needed: Orleans makes its services in an order of its own.

    public IGrains Grains => _grains ??= services.GetRequiredService<IGrains>();

    public IGrainStorage Storage => _storage ??= services.GetRequiredService<IGrainStorage>();

    public IReminderRegistry Reminders => _reminders ??= services.GetRequiredService<IReminderRegistry>();

    public IGrainRuntime Runtime => _runtime ??= services.GetRequiredService<IGrainRuntime>();

    public GrainDefinition DefinitionOf(string name) => _definitions[name];
}
